"""Each engine's kernels, called as plain functions. A missing engine fails the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service.nearest.engines import ENGINES
from service.offload.spec import EngineSpec, find


# engine: go
class Remote:
    """The kernels of a sidecar, called as plain functions are."""

    def __init__(self, spec: EngineSpec, stack: ExitStack) -> None:
        import asyncio

        from service.offload.remote import channel, sidecar

        async def connected(address: str) -> Any:
            return channel.connect(address)  # on the event loop that will use it

        self._module, self._run = spec.load(), stack.enter_context(asyncio.Runner()).run
        started = sidecar.start(spec, 1)
        stack.callback(started.stop)
        self._channel = self._run(connected(started.address))
        stack.callback(lambda: self._run(self._channel.close()))

    def __getattr__(self, kernel: str) -> Any:
        function = getattr(self._module, kernel)
        return lambda *arguments: self._run(function(self._channel, 60.0, *arguments))[0]


# engine: end
class Engines:
    """By name each engine's kernels: its module, or what stands for a remote one."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = self._load(find(ENGINES, name))
        return self._found[name]

    def _load(self, spec: EngineSpec) -> Any:
        # engine: go
        if spec.sidecar:
            return Remote(spec, self._stack)
        # engine: end
        return spec.load()


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with ExitStack() as stack:
        yield Engines(stack)


@pytest.fixture(params=[spec.name for spec in ENGINES])
def kernels(request: pytest.FixtureRequest, engines: Engines) -> Any:
    """Every engine, for expected values from outside."""
    return engines[request.param]


@pytest.fixture(params=[spec.name for spec in ENGINES if not spec.is_oracle])
def faster_kernels(request: pytest.FixtureRequest, engines: Engines) -> Any:
    """For tests whose expected values come from the oracle."""
    return engines[request.param]


@pytest.fixture
def oracle(engines: Engines) -> Any:
    return engines[next(spec.name for spec in ENGINES if spec.is_oracle)]
