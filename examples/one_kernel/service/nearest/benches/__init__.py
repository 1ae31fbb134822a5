"""The kernels by themselves, beside what one would take instead: a file for each."""

from __future__ import annotations

from loadtests.bench.kernel import Benches, KernelBench
from loadtests.found import found_in

BENCHES = Benches(found_in(__name__, KernelBench))
