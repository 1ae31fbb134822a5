"""Times one implementation in a process of its own, a slice at a time, as told on stdin.

Protocol, JSON lines: out `{"units": …}` when ready; in `SECONDS`, out
`{"elapsed_s", "compute_s", "units"}`; ends when stdin does.
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
from service.engines.spec import find
from service.wiring import ENGINES

# The rpc's own share is what the caller sees on top of the sidecar's compute time.
RPC = "-rpc"


def main() -> None:
    kernel, implementation, unit, threads, directory, cutoff = sys.argv[1:]
    path = Path(directory) if directory else None
    with asyncio.Runner() as runner, ExitStack() as stack:
        call, units = _timed(
            kernel, implementation, unit, int(threads), path, float(cutoff), runner, stack
        )
        call()  # whatever is prepared on first use
        print(json.dumps({"units": units}), flush=True)
        for line in sys.stdin:
            print(json.dumps(_slice(call, units, float(line))), flush=True)


def _slice(call: Callable[[], Any], units: int, seconds: float) -> dict[str, float]:
    done, compute_s = 0, 0.0
    start = now = perf_counter()
    while now - start < seconds:
        found = call()
        done += units
        if isinstance(found, float):  # the sidecar's own time
            compute_s += found
        now = perf_counter()
    return {"elapsed_s": now - start, "compute_s": compute_s, "units": done}


def _timed(
    kernel: str,
    implementation: str,
    unit: str,
    threads: int,
    directory: Path | None,
    cutoff: float,
    runner: asyncio.Runner,
    stack: ExitStack,
) -> tuple[Callable[[], Any], int]:
    """The function that does one batch (a remote one returns the sidecar's seconds)."""
    if implementation in PEERS[kernel]:
        return PEERS[kernel][implementation][1](directory, cutoff)
    spec = find(ENGINES, implementation.removesuffix(RPC))
    arguments, units = _batch(kernel, unit, directory, cutoff)
    if spec.sidecar:
        from service.engines import channel

        sidecar = spec.start_sidecar(threads)
        stack.callback(sidecar.stop)

        async def connected() -> Any:
            return channel.connect(sidecar.address)

        connection = runner.run(connected())
        stack.callback(lambda: runner.run(connection.close()))
        remote = partial(getattr(spec.load(), kernel), connection, 600.0, *arguments)
        if implementation.endswith(RPC):
            return lambda: runner.run(remote()) and None, units
        return lambda: runner.run(remote())[1], units
    function = partial(getattr(spec.load(), kernel), *arguments)
    if threads == 1 or spec.use_threads(threads):
        return function, units
    return partial(_in_threads, function, threads), units * threads


def _in_threads(function: Callable[[], object], count: int) -> None:
    """For engines without threads of their own: as many calls at once."""
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _batch(
    kernel: str, unit: str, directory: Path | None, cutoff: float
) -> tuple[tuple[Any, ...], int]:
    if kernel == "screen":
        work = workloads.screening(directory, cutoff)
        return (work.packed, work.index, cutoff, 5), len(work.queries) * len(work.names)
    if kernel == "validate":
        from service.domain.payment_rules import rule_tables

        if unit == "iban":
            return (workloads.iban_columns(), rule_tables()), 2 * workloads.PAYMENTS
        return (workloads.payment_columns(), rule_tables()), workloads.PAYMENTS
    from service.domain.kernels import Blobs

    return (Blobs.pack(workloads.records()),), workloads.RECORDS


if __name__ == "__main__":
    main()
