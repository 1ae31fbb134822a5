"""A server on each rung, one at a time, for all tests of the rung."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from service.settings import Rung
from tests.servers import Server, serving

RUNGS = get_args(Rung)


@pytest.fixture(scope="package", params=RUNGS)
def rung(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp(request.param) / "log"
    with serving(log, engine="python", bench_routes="true", bench_rung=request.param) as server:
        yield server


@pytest.fixture(scope="package")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("bench") / "log"
    with serving(log, engine="python", bench_routes="true") as server:
        yield server
