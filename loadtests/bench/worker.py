"""Times one implementation in a process of its own, a slice at a time, as told on stdin.

Protocol, JSON lines: out `{"units": …}` when ready; in `SECONDS`, out
`{"busy_s", "units"}`; ends when stdin does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from loadtests.bench import workloads
from loadtests.bench.peers import PEERS
from service.offload.remote import channel
from service.offload.remote.sidecar import start
from service.offload.spec import EngineSpec, find
from service.packed import Blobs, CodePoints
from service.screening.contract.payment_rules import rule_tables
from service.screening.engines import ENGINES

LONGEST_CALL_S = 0.25
LARGE = 16  # batches in one call, where it is to be split over cores
RPC = "-rpc"  # what the caller waits; without it, the time inside the sidecar

Slice = Callable[[float], dict[str, float]]


def main() -> None:
    kernel, implementation, unit, threads, directory, cutoff = sys.argv[1:]
    path = Path(directory) if directory else None
    time_slice: Slice
    with ExitStack() as stack:
        if implementation in PEERS[kernel]:
            call, units = PEERS[kernel][implementation][1](path, float(cutoff))
            time_slice = partial(_slice, call, units)
        else:
            spec = find(ENGINES, implementation.removesuffix(RPC))
            splits = int(threads) > 1 and (spec.sidecar or spec.use_threads(int(threads)))
            repeat = LARGE if splits else 1
            arguments, units = _batch(spec, kernel, unit, path, float(cutoff), repeat)
            if spec.sidecar:
                is_rpc = implementation.endswith(RPC)
                time_slice = _remote(spec, kernel, arguments, units, int(threads), is_rpc, stack)
            else:
                time_slice = _local(spec, kernel, arguments, units, int(threads))
        time_slice(0.0)  # whatever is prepared on first use
        print(json.dumps({"units": units}), flush=True)
        for line in sys.stdin:
            print(json.dumps(time_slice(float(line))), flush=True)


def _slice(call: Callable[[], object], units: int, seconds: float) -> dict[str, float]:
    done = 0
    start = now = perf_counter()
    while not done or now - start < seconds:
        call()
        done += units
        now = perf_counter()
    return {"busy_s": now - start, "units": done}


def _local(
    spec: EngineSpec, kernel: str, arguments: tuple[Any, ...], units: int, threads: int
) -> Slice:
    call = partial(getattr(spec.load(), kernel), *arguments)
    if threads == 1 or spec.use_threads(threads):
        return partial(_slice, call, units)

    def at_once() -> None:
        """For engines without threads of their own: as many calls at the same time."""
        running = [threading.Thread(target=call) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return partial(_slice, at_once, units * threads)


def _remote(
    spec: EngineSpec,
    kernel: str,
    arguments: tuple[Any, ...],
    units: int,
    threads: int,
    is_rpc: bool,
    stack: ExitStack,
) -> Slice:
    sidecar = start(spec, threads)
    stack.callback(sidecar.stop)
    runner = stack.enter_context(asyncio.Runner())
    call = getattr(spec.load(), kernel)

    async def connected() -> Any:
        return channel.connect(sidecar.address)

    connection = runner.run(connected())
    stack.callback(lambda: runner.run(connection.close()))

    async def remote_slice(seconds: float) -> dict[str, float]:
        done, compute_s = 0, 0.0
        start = now = perf_counter()
        while not done or now - start < seconds:
            _, took_s = await call(connection, 600.0, *arguments)
            compute_s += took_s
            done += units
            now = perf_counter()
        return {"busy_s": now - start if is_rpc else compute_s, "units": done}

    return lambda seconds: runner.run(remote_slice(seconds))


def _batch(
    spec: EngineSpec, kernel: str, unit: str, directory: Path | None, cutoff: float, repeat: int
) -> tuple[tuple[Any, ...], int]:
    """The kernel's arguments, and the units of one call."""
    if kernel == "screen":
        work = workloads.screening(directory, cutoff)
        queries = work.queries
        if not spec.sidecar:
            screen, one = spec.load().screen, CodePoints.pack(queries[:1])
            screen(one, work.index, cutoff, 5)  # whatever is prepared on first use
            start = perf_counter()
            screen(one, work.index, cutoff, 5)
            # A call that took many times its slice would leave too few of them.
            queries = queries[: max(1, int(LONGEST_CALL_S / (perf_counter() - start)))]
        packed = CodePoints.pack(queries * repeat)
        return (packed, work.index, cutoff, 5), len(packed) * len(work.names)
    if kernel == "validate":
        if unit == "iban":
            columns = workloads.iban_columns(repeat)
            return (columns, rule_tables()), 2 * len(columns)
        columns = workloads.payment_columns(repeat)
        return (columns, rule_tables()), len(columns)
    records = Blobs.pack(workloads.records() * repeat)
    return (records,), len(records)


if __name__ == "__main__":
    main()
