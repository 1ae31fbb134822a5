"""Which requests count, at times that the test gives."""

import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from loadtests.lab.meter import Meter, Spent, cpu_s, used_between
from loadtests.lab.slices import Order, StreamOrder
from loadtests.lab.window import Stream, Window

ORDER = Order(
    id="", url="", pid=0, streams=(), headers={}, seed=1,
    warmup_s=1.0, window_s=3.0, min_requests=2, max_s=20.0,
)  # fmt: skip


class FakeMeter:
    """Notes what was asked of it."""

    generator_cpu_s = 0.25
    generator_waited_s = 0.125

    def __init__(self, ended=()):
        self.calls, self.ended = [], ended

    def __getattr__(self, name):
        def call():
            self.calls.append(name)
            if name in self.ended:
                raise ProcessLookupError("server process 7 has ended")
            return {"server": {"cpu_s": 1.75}}

        return call


def closed(name="main", first=0):
    return Stream(StreamOrder(name=name, pool="", first=first, users=2), pool_size=3)


def opened(name="main"):
    return Stream(StreamOrder(name=name, pool="", rate_rps=10.0), pool_size=3)


def window_of(*streams, meter=None, **settings):
    order = replace(ORDER, streams=[stream.order for stream in streams], **settings)
    return Window(order, streams, meter or FakeMeter(), now=0.0)


def answer(window, stream, at, sent=None, intended=None, fault=None):
    sent = at - 0.001 if sent is None else sent
    window.answered(stream, sent if intended is None else intended, sent, at, fault)


def counts(pairs):
    return sum(count for _, count in pairs)


def test_pool_is_cycled_from_its_first_request():
    stream = closed(first=2)
    assert [stream.take() for _ in range(4)] == [2, 0, 1, 2]
    assert (stream.taken, stream.in_flight, stream.max_in_flight) == (4, 4, 4)


def test_closed_only_answers_inside_the_window_count():
    stream, meter = closed(), FakeMeter()
    window = window_of(stream, meter=meter)
    for _ in range(6):
        stream.take()
    answer(window, stream, 0.5)  # warm-up
    assert meter.calls == []
    answer(window, stream, 1.5)  # opens the window
    assert meter.calls == ["open"]
    answer(window, stream, 2.0, sent=1.0)  # was in flight when it opened
    answer(window, stream, 4.0)
    assert window.closed is None  # 2.5 s of 3
    answer(window, stream, 5.0)  # closes it
    assert window.closed == 5.0
    assert meter.calls == ["open", "close"]
    assert not window.drained
    answer(window, stream, 6.0)  # drained, not counted
    assert window.drained
    figures = window.figures()
    assert figures["window_s"] == 3.5
    assert figures["streams"]["main"]["completed"] == 3
    # ln(1000) / ln(1.01) = 694.2, ln(1e6) / ln(1.01) = 1388.4
    assert figures["streams"]["main"]["latency"] == [[694, 2], [1388, 1]]
    assert figures["streams"]["main"]["raw_latency"] == [[694, 2], [1388, 1]]
    assert figures["streams"]["main"]["lag"] == []
    assert figures["usage"] == {"server": {"cpu_s": 1.75}}
    assert (figures["generator_cpu_s"], figures["generator_waited_s"]) == (0.25, 0.125)
    assert figures["faults"] == []


def test_slow_target_gets_the_time_for_enough_requests():
    stream = closed()
    window = window_of(stream)
    for _ in range(3):
        stream.take()
    answer(window, stream, 4.0)
    answer(window, stream, 10.0)
    assert window.closed is None
    answer(window, stream, 14.0)
    assert window.figures()["window_s"] == 10.0


def test_window_ends_at_its_bound():
    stream = closed()
    window = window_of(stream, min_requests=100)
    for _ in range(2):
        stream.take()
    answer(window, stream, 2.0)
    answer(window, stream, 22.0)
    assert window.closed == 22.0
    assert window.figures()["streams"]["main"]["completed"] == 1


def test_every_stream_must_have_enough():
    fast, slow = closed("fast"), closed("slow")
    window = window_of(fast, slow)
    for at in (1.5, 2.0, 3.0, 6.0):
        fast.take()
        answer(window, fast, at)
    assert window.closed is None
    for at in (6.5, 7.0):
        slow.take()
        answer(window, slow, at)
    assert window.closed == 7.0


def test_fault_ends_the_block():
    stream = closed()
    window = window_of(stream)
    stream.take()
    answer(window, stream, 0.1, fault="status: expected 200, got 500")
    assert window.drained
    figures = window.figures()
    assert figures["faults"] == ["status: expected 200, got 500"]
    assert figures["usage"] is None


def test_open_latency_counts_from_the_intended_start():
    stream = opened()
    window = window_of(stream)
    window.arrived(stream, 0.9, 0.9)  # warm-up
    window.open(1.0)
    for intended, noticed, sent, at in ((1.0, 1.001, 2.0, 2.01), (3.9, 3.9, 3.9, 3.91)):
        window.arrived(stream, intended, noticed)
        stream.take()
        answer(window, stream, at, sent, intended)
    stream.take()
    answer(window, stream, 4.0, 0.9, 0.9)  # of the warm-up, however late it came
    assert window.over(3.0)
    window.close(4.0)
    figures = window.figures()
    main = figures["streams"]["main"]
    assert figures["window_s"] == 3.0
    assert main["completed"] == counts(main["lag"]) == 2
    # 10 ms, and 1.01 s because it was due 1 s before it was sent.
    assert main["latency"] == [[925, 1], [1389, 1]]
    assert main["raw_latency"] == [[925, 2]]
    assert main["lag"] == [[0, 1], [694, 1]]


def test_open_answers_after_the_close_count_and_missing_ones_are_a_fault():
    stream = opened()
    window = window_of(stream)
    window.open(1.0)
    for intended in (2.0, 3.0):
        window.arrived(stream, intended, intended)
        stream.take()
    window.close(4.0)
    assert not window.drained
    answer(window, stream, 9.0, 2.0, 2.0)
    figures = window.figures()
    assert figures["streams"]["main"]["completed"] == 1
    assert figures["faults"] == ["stream main: 1 requests had no answer"]


def test_closed_beside_open_counts_in_the_same_window():
    hot, io = closed("hot"), opened("io")
    window = window_of(hot, io)
    for _ in range(4):
        hot.take()
    answer(window, hot, 1.5)  # after the warm-up, but the schedule opens the window
    assert window.opened is None
    window.open(2.0)
    answer(window, hot, 2.5)
    answer(window, hot, 9.0)
    assert window.closed is None  # and closes it
    assert not window.over(7.0)
    for intended in (9.1, 9.2):
        window.arrived(io, intended, intended)
        io.take()
        answer(window, io, intended + 0.01, intended, intended)
    assert window.over(7.2)
    window.close(9.2)
    answer(window, hot, 9.3)
    streams = window.figures()["streams"]
    assert (streams["hot"]["completed"], streams["io"]["completed"]) == (2, 2)


@pytest.mark.parametrize("when", ["open", "close", "used"])
def test_server_that_ended_is_a_fault(when):
    stream = closed()
    window = window_of(stream, meter=FakeMeter(ended=[when]), min_requests=1)
    for _ in range(2):
        stream.take()
    answer(window, stream, 1.5)
    answer(window, stream, 9.0)
    assert window.drained
    figures = window.figures()
    assert figures["faults"][0] == "server process 7 has ended"
    assert figures["usage"] is None


BUSY = """
import sys, threading, time
def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
ended = threading.Thread(target=work, args=[0.3])
ended.start(); ended.join(); work(0.3)
print("done", flush=True); sys.stdin.read()
"""


@pytest.fixture
def busy():
    """A process that has used 0.6 s, half of it in a thread that has ended."""
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_cpu_clock_agrees_with_the_system_and_is_finer(busy):
    times = psutil.Process(busy.pid).cpu_times()
    found = cpu_s(busy.pid)
    assert found > 0.6
    assert found == pytest.approx(times.user + times.system, abs=0.03)  # it counts in 10 ms
    # A look through /proc takes milliseconds. Our own time, as others have theirs.
    started = time.process_time()
    for _ in range(100):
        cpu_s(busy.pid)
    assert (time.process_time() - started) / 100 < 1e-3


def test_meter_tells_what_was_used_between(busy):
    meter = Meter(busy.pid)
    meter.open()
    meter.close()
    used = meter.used()
    assert used["server"]["processes"] == 1
    assert used["server"]["cpu_s"] < 0.05
    assert used["server"]["peak_memory_bytes"] > 1_000_000


def test_meter_misses_a_process_that_has_ended(busy):
    meter = Meter(busy.pid)
    meter.open()
    busy.kill()
    busy.wait()
    with pytest.raises(ProcessLookupError, match=f"{busy.pid} has ended"):
        meter.close()


def test_meter_reads_only_clocks_inside_the_window():
    looks, clocks = [], {1: 5.0, 2: 1.0}

    def tree(pid):
        looks.append(pid)
        found = {(1, 0.0): Spent("server", 0.0, 100), (2, 0.0): Spent("sidecar", 0.0, 10)}
        if len(looks) > 1:
            found[3, 9.0] = Spent("server", 0.5, 1)  # began under load
        return found

    meter = Meter(1, tree, clocks.__getitem__)
    meter.open()
    clocks.update({1: 6.0, 2: 1.25})
    meter.close()
    clocks.update({1: 99.0, 2: 99.0})
    assert looks == [1]
    used = meter.used()
    assert used["server"] == {"processes": 2, "cpu_s": 1.5, "peak_memory_bytes": 101}
    assert used["sidecar"] == {"processes": 1, "cpu_s": 0.25, "peak_memory_bytes": 10}


def test_process_that_started_inside_the_window_counts_in_full():
    opened = {(1, 0.0): Spent("server", 5.0, 100)}
    closed = {
        (1, 0.0): Spent("server", 6.0, 110),
        (2, 9.0): Spent("server", 0.5, 10),
        (3, 9.0): Spent("sidecar", 0.25, 40),
    }
    used = used_between(opened, closed)
    assert used["server"] == {"processes": 2, "cpu_s": 1.5, "peak_memory_bytes": 120}
    assert used["sidecar"] == {"processes": 1, "cpu_s": 0.25, "peak_memory_bytes": 40}


def test_process_that_ended_inside_the_window_is_an_error():
    with pytest.raises(ProcessLookupError, match=r"\[2\]"):
        used_between({(2, 0.0): Spent("server", 5.0, 100)}, {})
