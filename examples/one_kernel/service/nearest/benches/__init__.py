"""The kernels by themselves, beside what one would take instead: a file for each."""

from __future__ import annotations

from loadtests.bench.kernel import Benches
from service.nearest.benches.nearest import NEAREST

BENCHES = Benches((NEAREST,))
