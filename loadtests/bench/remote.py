"""Times an engine in a sidecar: what the caller waits, or the time inside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from loadtests.bench.kernel import Call
from service.offload.remote import channel
from service.offload.remote.sidecar import start
from service.offload.spec import EngineSpec

TIMEOUT_S = 600.0


def time_slice(
    spec: EngineSpec,
    kernel: Callable[..., Any],
    call: Call,
    threads: int,
    is_rpc: bool,
    stack: ExitStack,
) -> Callable[[float], dict[str, float]]:
    """A slice's function; the sidecar ends with the stack."""
    sidecar = start(spec, threads)
    stack.callback(sidecar.stop)
    runner = stack.enter_context(asyncio.Runner())

    async def connected() -> Any:
        return channel.connect(sidecar.address)

    connection = runner.run(connected())
    stack.callback(lambda: runner.run(connection.close()))

    async def remote_slice(seconds: float) -> dict[str, float]:
        done, compute_s = 0, 0.0
        start = now = perf_counter()
        while not done or now - start < seconds:
            _, took_s = await kernel(connection, TIMEOUT_S, *call.arguments)
            compute_s += took_s
            done += call.units
            now = perf_counter()
        return {"busy_s": now - start if is_rpc else compute_s, "units": done}

    return lambda seconds: runner.run(remote_slice(seconds))
