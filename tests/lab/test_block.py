"""Which requests count, on a clock that the test moves."""

import pytest

from loadtests.lab.block import Block
from loadtests.lab.resources import SERVER, SIDECAR, Usage, used_between

SETTINGS = {
    "first": 2, "warmup_s": 1.0, "window_s": 3.0, "min_requests": 2, "max_s": 20.0,
    "pid": 1, "headers": {"X-Engine": "fake"},
}  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def block_on(clock, **settings):
    bodies = ["a", "b", "c"]
    cpu = lambda pid: {(pid, 0.0): Usage(SERVER, 0.5 * clock.now, 1024)}  # noqa: E731  # one line says it
    return Block(SETTINGS | settings, bodies, [[], [], []], read=cpu, clock=clock)


def answer(block, clock, at, latency_ms=1.0, exception=None):
    clock.now = at
    block.completed(latency_ms, exception)


def test_pool_is_cycled_from_its_first_request(clock):
    block = block_on(clock)
    assert [block.take() for _ in range(3)] == [("c", 2), ("a", 0), ("b", 1)]


def test_only_answers_inside_the_window_count(clock):
    block = block_on(clock)
    for _ in range(6):
        block.take()
    answer(block, clock, 0.5, latency_ms=9.0)  # warm-up
    answer(block, clock, 1.5, latency_ms=8.0)  # opens the window
    answer(block, clock, 2.0, latency_ms=1.234)
    answer(block, clock, 4.0, latency_ms=2.0)
    assert not block.closed  # 2.5 s of 3
    answer(block, clock, 5.0, latency_ms=2.0)  # closes it
    assert block.closed
    assert not block.drained
    assert block.take() is None
    answer(block, clock, 6.0, latency_ms=7.0)  # drained, not counted
    assert block.drained
    figures = block.figures()
    assert (figures["completed"], figures["window_s"]) == (3, 3.5)
    assert figures["latency"] == [(123, 1), (200, 2)]
    assert figures["usage"]["server"]["cpu_s"] == pytest.approx(1.75)  # 5.0 - 1.5, half a core


def test_slow_target_gets_the_time_for_enough_requests(clock):
    block = block_on(clock)
    for _ in range(3):
        block.take()
    answer(block, clock, 4.0)
    answer(block, clock, 10.0)
    assert not block.closed
    answer(block, clock, 14.0)
    assert block.closed
    assert block.window_s == 10.0


def test_window_ends_at_its_bound(clock):
    block = block_on(clock, min_requests=100)
    for _ in range(2):
        block.take()
    answer(block, clock, 2.0)
    answer(block, clock, 22.0)
    assert block.closed
    assert block.figures()["completed"] == 1


def test_fault_ends_the_block(clock):
    block = block_on(clock)
    block.take()
    answer(block, clock, 0.1, exception=ValueError("status: expected 200, got 500"))
    assert block.drained
    assert block.figures()["faults"] == ["status: expected 200, got 500"]


@pytest.mark.parametrize(
    ("status", "engine", "content", "expected"),
    [
        (500, "fake", b"oops", "status: expected 200, got 500: oops"),
        (200, "other", b"{}", "X-Engine: expected fake, got other"),
        (200, "fake", b"{}", "body: expected results with hits"),
        (200, "fake", b'{"results": [{"hits": []}]}', "results: expected 0, got 1"),
        (200, "fake", b'{"results": []}', None),
    ],
)
def test_fault_names_expectation_and_what_came(clock, status, engine, content, expected):
    fault = block_on(clock).fault(0, status, {"X-Engine": engine}, content)
    assert fault is None if expected is None else fault.startswith(expected)


def test_process_that_started_inside_the_window_counts_in_full():
    opened = {(1, 0.0): Usage(SERVER, 5.0, 100)}
    closed = {
        (1, 0.0): Usage(SERVER, 6.0, 110),
        (2, 9.0): Usage(SERVER, 0.5, 10),
        (3, 9.0): Usage(SIDECAR, 0.25, 40),
    }
    used = used_between(opened, closed)
    assert used["server"] == {"processes": 2, "cpu_s": 1.5, "peak_memory_bytes": 120}
    assert used["sidecar"] == {"processes": 1, "cpu_s": 0.25, "peak_memory_bytes": 40}


def test_process_that_ended_inside_the_window_is_an_error():
    with pytest.raises(ProcessLookupError, match=r"\[2\]"):
        used_between({(2, 0.0): Usage(SERVER, 5.0, 100)}, {})
