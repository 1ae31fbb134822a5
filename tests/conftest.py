"""Fixtures for all tests. A missing engine fails them: nothing here skips for it."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc.aio
import pytest

from service.domain import watchlist
from service.domain.kernels import CodePoints, Hits, NameIndex
from service.domain.watchlist import Watchlist
from service.engines import channel
from service.engines.sidecar import Sidecar
from service.engines.spec import EngineSpec, find
from service.wiring import ENGINES

ENGINE_NAMES = [spec.name for spec in ENGINES]
REAL_LIST = os.environ.get("WATCHLIST")

Screen = Callable[[CodePoints, NameIndex, float, int], Hits]


class Screens:
    """Each engine's `screen`, called as plain functions are, the remote one too."""

    def __init__(self, runner: asyncio.Runner, stack: ExitStack) -> None:
        self._runner, self._stack = runner, stack
        self._found: dict[str, Screen] = {}

    def __getitem__(self, name: str) -> Screen:
        if name not in self._found:
            self._found[name] = self._load(find(ENGINES, name))
        return self._found[name]

    def _load(self, spec: EngineSpec) -> Screen:
        module = spec.load()
        if not spec.sidecar:
            return module.screen
        sidecar = self._stack.enter_context(Sidecar(spec.sidecar_path()))
        run = self._runner.run
        connection = run(_connected(sidecar.address))
        self._stack.callback(lambda: run(connection.close()))
        return lambda *args: run(module.screen(connection, 60.0, *args))[0]


async def _connected(address: str) -> grpc.aio.Channel:
    return channel.connect(address)


@pytest.fixture(scope="session")
def screens() -> Iterator[Screens]:
    with asyncio.Runner() as runner, ExitStack() as stack:
        yield Screens(runner, stack)


@pytest.fixture(params=ENGINE_NAMES)
def screen(request: pytest.FixtureRequest, screens: Screens) -> Screen:
    return screens[request.param]


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
