"""The compiled engines let other Python threads run while they compute."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from service.packed import CodePoints
from service.screening.engines import ENGINES

SHORT, LONG = 5, 500  # names
ENOUGH = 5
TRIES = 20  # a busy machine may give the other thread no core during a call


@pytest.fixture(autouse=True)
def _no_turns() -> Iterator[None]:
    """No thread has to give the GIL to another one: it gets it when it is released."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=[spec for spec in ENGINES if spec.releases_gil], ids=lambda spec: spec.name)
def call(request, synthetic) -> Callable[[int], object]:
    """The kernel, on so many names."""
    engine = request.param.load()
    names = [entry.normalized for entry in synthetic.entries[:LONG]]
    packed = {count: CodePoints.pack(names[:count]) for count in (SHORT, LONG)}
    # A low cutoff leaves most names to be scored.
    return lambda count: engine.screen(packed[count], synthetic.index, 0.5, 5)


def done_during(long_call: Callable[[], object], step: Callable[[], object]) -> int:
    """How many steps another thread could do during the call."""
    begin, end, done = threading.Event(), threading.Event(), 0

    def work() -> None:
        nonlocal done
        begin.wait()
        while not end.is_set():
            step()
            done += 1

    other = threading.Thread(target=work)
    other.start()
    begin.set()
    before = done
    long_call()
    found = done - before
    end.set()
    other.join()
    return found


def test_another_thread_goes_on_during_a_call(call) -> None:
    # Were the GIL released at the call's edges alone, there would be a step or two.
    assert any(
        done_during(lambda: call(LONG), lambda: time.sleep(0.001)) >= ENOUGH for _ in range(TRIES)
    )


def test_two_threads_compute_at_the_same_time(call) -> None:
    assert any(done_during(lambda: call(LONG), lambda: call(SHORT)) >= ENOUGH for _ in range(TRIES))


def test_a_call_that_holds_the_gil_lets_nobody_go_on() -> None:
    """That the tests above can fail."""
    assert done_during(lambda: sum(range(5_000_000)), lambda: time.sleep(0.001)) < ENOUGH
