"""The compiled engines let other Python threads run while they compute."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from service.domain.kernels import CodePoints
from service.wiring import ENGINES


@pytest.fixture(params=["cython", "rust"])
def compute(request, engines, synthetic):
    """A call of the kernel that takes a good part of a second."""
    assert request.param in {spec.name for spec in ENGINES}
    names = [entry.normalized for entry in synthetic.entries[:200]]

    def call(repeat: int) -> float:
        queries = CodePoints.pack(names * repeat)
        start = time.perf_counter()
        # A low cutoff leaves most names to be scored.
        engines[request.param].screen(queries, synthetic.index, 0.5, 5)
        return time.perf_counter() - start

    repeat = 1
    while call(repeat) < 0.3:
        repeat *= 2
    return lambda: call(repeat)


def test_another_thread_goes_on_during_a_call(compute) -> None:
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    took = compute()
    done.set()
    ticker.join()
    # Were the GIL held, one gap would be as long as the call.
    assert max(b - a for a, b in pairwise(ticks)) < took / 2


def test_two_threads_compute_at_the_same_time(compute) -> None:
    """When the first of two calls ends, the other has had its share of the processor too.

    Were the GIL held, it would have had none. Wall-clock time would tell the same only where
    nobody else uses the second core.
    """
    barrier = threading.Barrier(2)
    lock = threading.Lock()
    used: dict[bool, float] = {}  # seconds of the first thread to end (True) and of the other

    def run() -> None:
        barrier.wait()
        compute()
        with lock:
            if not used:  # the first call to end
                for thread in threads:
                    clock = time.pthread_getcpuclockid(thread.ident)
                    used[thread is threading.current_thread()] = time.clock_gettime(clock)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert used[False] > used[True] / 4
