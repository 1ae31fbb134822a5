"""Fixtures of the sample's tests. A missing engine fails them: nothing here skips for it."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from service.offload.spec import EngineSpec, find
from service.packed import CodePoints
from service.screening import watchlist
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import Hits
from service.screening.engines import ENGINES
from service.screening.watchlist import Watchlist

ENGINE_NAMES = [spec.name for spec in ENGINES]
NATIVE = [
    spec for spec in ENGINES if spec.distribution != ENGINES[0].distribution and not spec.sidecar
]
"""The compiled engines in this process."""
REAL_LIST = os.environ.get("WATCHLIST")

Screen = Callable[[CodePoints, NameIndex, float, int], Hits]


# engine: go
class Remote:
    """The kernels of a sidecar, called as plain functions are."""

    def __init__(
        self, spec: EngineSpec, runner: asyncio.Runner, stack: ExitStack, threads: int = 1
    ) -> None:
        from service.offload.remote.sidecar import start

        self._module, self._run = spec.load(), runner.run
        sidecar = start(spec, threads)
        stack.callback(sidecar.stop)
        self._connection = self._run(_connected(sidecar.address))
        stack.callback(lambda: self._run(self._connection.close()))

    def __getattr__(self, kernel: str) -> Callable[..., Any]:
        function = getattr(self._module, kernel)
        return lambda *args: self._run(function(self._connection, 60.0, *args))[0]


async def _connected(address: str) -> Any:
    from service.offload.remote import channel

    return channel.connect(address)


# engine: end


class Engines:
    """By name each engine's kernels: its module, or what stands for a remote one."""

    def __init__(self, runner: asyncio.Runner, stack: ExitStack) -> None:
        self._runner, self._stack = runner, stack
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            spec = find(ENGINES, name)
            self._found[name] = spec.load()
            # engine: go
            if spec.sidecar:
                self._found[name] = Remote(spec, self._runner, self._stack)
            # engine: end
        return self._found[name]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with asyncio.Runner() as runner, ExitStack() as stack:
        yield Engines(runner, stack)


@pytest.fixture(params=ENGINE_NAMES)
def kernels(request: pytest.FixtureRequest, engines: Engines) -> Any:
    return engines[request.param]


@pytest.fixture(params=[spec.name for spec in ENGINES if not spec.is_oracle])
def faster_kernels(request: pytest.FixtureRequest, engines: Engines) -> Any:
    """For tests whose expected values come from the reference."""
    return engines[request.param]


@pytest.fixture(params=NATIVE, ids=lambda spec: spec.name)
def native(request: pytest.FixtureRequest) -> ModuleType:
    return request.param.load()


@pytest.fixture
def screen(kernels: Any) -> Screen:
    return kernels.screen


@pytest.fixture(scope="session")
def synthetic() -> Watchlist:
    return watchlist.load(None)


@pytest.fixture(scope="session")
def real() -> Watchlist:
    if not REAL_LIST:
        pytest.skip("no real list: set WATCHLIST=DIR to a directory with sdn.csv and alt.csv")
    return watchlist.load(Path(REAL_LIST))


def misspelt(names: list[str], count: int, seed: int) -> list[str]:
    """Names of a list with up to two edits, as people type them."""
    rng = random.Random(seed)
    found = []
    for name in rng.sample(names, count):
        letters = list(name)
        for _ in range(rng.randrange(3)):
            place = rng.randrange(len(letters))
            letters[place : place + 1] = rng.choice([[], ["x"], [letters[place]] * 2])
            letters = letters or ["x"]
        found.append("".join(letters))
    return found
