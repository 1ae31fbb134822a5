"""Times one implementation in a process of its own, a slice at a time, as told on stdin.

Protocol, JSON lines: out `{"units": …}` when ready; in `SECONDS`, out
`{"busy_s", "units"}`; ends when stdin does.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pkgutil import resolve_name
from time import perf_counter
from typing import Any

from pydantic import TypeAdapter

from loadtests.bench.kernel import Call, Peer, Work
from loadtests.bench.kernels import RPC, SEED, benches_of
from service.offload.spec import EngineSpec, find

LONGEST_CALL_S = 0.25
LARGE = 16  # times the work in one call, where it is to be split over cores

Slice = Callable[[float], dict[str, float]]
Prepare = Callable[[Work], Call]


def main() -> None:
    from service.wiring import DOMAIN

    kernel, implementation, unit, threads_, judge, options = sys.argv[1:]
    threads, benches = int(threads_), benches_of(DOMAIN)
    bench = benches.named(kernel)
    prepare = bench.units[unit]
    chosen = TypeAdapter(benches.options).validate_json(options)
    work = bench.draw(random.Random(SEED), chosen)
    peer = next((peer for peer in bench.peers if peer.name == implementation), None)
    time_slice: Slice
    with ExitStack() as stack:
        if peer:
            _check(peer, getattr(find(DOMAIN.engines, judge).load(), kernel), prepare, work)
            units = prepare(work).units
            time_slice = partial(_slice, peer.prepare(work), units)
        else:
            spec = find(DOMAIN.engines, implementation.removesuffix(RPC))
            function = getattr(spec.load(), kernel)
            if not spec.sidecar:
                work = _fitted(function, prepare, work)
            if threads > 1 and (spec.sidecar or spec.use_threads(threads)):
                work = work.repeated(LARGE)
            call = prepare(work)
            units = call.units
            if spec.sidecar:
                time_slice = resolve_name("loadtests.bench.remote:time_slice")(
                    spec, function, call, threads, implementation.endswith(RPC), stack
                )
            else:
                time_slice = _local(spec, partial(function, *call.arguments), units, threads)
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


def _local(spec: EngineSpec, call: Callable[[], object], units: int, threads: int) -> Slice:
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


def _fitted(kernel: Callable[..., Any], prepare: Prepare, work: Work) -> Work:
    """As many items as one call does within a slice: of longer ones there would be too few."""
    count = 1
    while count < len(work.items):
        call = prepare(work.first(count))
        kernel(*call.arguments)  # whatever is prepared on first use
        start = perf_counter()
        kernel(*call.arguments)
        if 2 * (perf_counter() - start) > LONGEST_CALL_S:
            break
        count *= 2
    return work.first(count)


def _check(peer: Peer, kernel: Callable[..., Any], prepare: Prepare, work: Work) -> None:
    work = _fitted(kernel, prepare, work)
    try:
        answer = peer.prepare(work)()
    except ModuleNotFoundError as error:
        raise SystemExit(f"peer '{peer.name}': {error}; run: pip install {peer.package}") from error
    if not peer.agrees(answer, kernel(*prepare(work).arguments), work):
        raise SystemExit(f"peer '{peer.name}': expected the kernel's answer, got another")


if __name__ == "__main__":
    main()
