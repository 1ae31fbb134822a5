"""The compiled engines let other Python threads run while they compute."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from service.packed import CodePoints
from service.screening.engines import ENGINES


@pytest.fixture(params=[spec for spec in ENGINES if spec.releases_gil], ids=lambda spec: spec.name)
def compute(request, synthetic):
    """A call of the kernel that takes a good part of a second."""
    engine = request.param.load()
    names = [entry.normalized for entry in synthetic.entries[:200]]

    def call(repeat: int) -> float:
        queries = CodePoints.pack(names * repeat)
        start = time.perf_counter()
        # A low cutoff leaves most names to be scored.
        engine.screen(queries, synthetic.index, 0.5, 5)
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


def test_two_threads_take_well_under_twice_one(compute) -> None:
    ratios = []
    for _ in range(20):  # a neighbour on the second core can spoil a try, not make one
        one = compute()
        threads = [threading.Thread(target=compute) for _ in range(2)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ratios.append((time.perf_counter() - start) / one)
        if ratios[-1] < 1.6:
            return
    pytest.fail(f"two threads took {ratios} times as long as one")
