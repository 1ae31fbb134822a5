"""One slice of load at a time, by Locust's users.

Locust's runner spawns the users, one connection each. Its request event fires for failures
alone: statistics of its own, which nobody would read, cost a part of the generator's ceiling.
In the closed model a user sends when it has its answer. In the open model one
dispatcher for all streams sends each request when it is due, on the connection of a user
who is free; where none is, the request waits in line, and its latency grows.
"""

from __future__ import annotations

import gc
import heapq
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from pathlib import Path

import gevent
from gevent.event import Event
from locust import task
from locust.env import Environment
from locust.exception import CatchResponseError

from loadtests.checked import prepared
from loadtests.lab import requests
from loadtests.lab.arrivals import schedule
from loadtests.lab.meter import Meter
from loadtests.lab.records import Tally
from loadtests.lab.scenario import BYTES, Check, Request
from loadtests.lab.slices import CLOSED, Order, StreamOrder
from loadtests.lab.window import Stream, Window
from loadtests.users import Answer, LeanHttpUser, Prepared, ProtocolError

# A sleeper is woken late, by 0.1 ms and more where a virtual core had nothing to do. So the
# dispatcher sleeps until a while before a request is due, and then yields until it is: a
# fifth of the mean gap, which costs at most a fifth of a core.
AHEAD_SHARE, AHEAD_MAX_S = 0.2, 0.5e-3
STEP_S = 0.05  # by which a window is prolonged that has not enough requests yet
clock = time.perf_counter


@dataclass(slots=True)
class Lane:
    """A stream at work on a server: its requests, and what they wait for.

    right: by place in the pool the content that this server was right to answer.
    free: open model: the last one that became free goes first.
    line: open model: intended starts that found none free.
    """

    stream: Stream
    requests: list[Prepared]
    checks: list[Check]
    right: list[bytes | None]
    free: list[LabUser] = field(default_factory=list)
    line: deque[float] = field(default_factory=deque)


@cache
def pool(path: str) -> list[Request]:
    found = requests.read(Path(path))
    for kind in {request["check"]["kind"] for request in found} - {BYTES}:
        requests.judge(kind)  # imported now, not under load
    _settle()
    return found


@cache
def ready(path: str, host: str) -> list[Prepared]:
    return [prepared(request, host) for request in pool(path)]


class LabUser(LeanHttpUser):
    """One connection. What it does the generator says."""

    timeout_s = None  # the slice has a deadline, and a timer for each request costs CPU
    generator: Generator

    def on_start(self) -> None:
        self.lane = self.generator.roles.pop()
        self.place = 0
        self.intended = self.sent = 0.0
        self.waits = False  # for an answer

    @task
    def work(self) -> None:
        try:
            self.connection.open()
            if self.lane.stream.is_open:
                self.serve()
            else:
                self.repeat()
        except OSError as error:
            self.generator.fail(f"no connection to {self.base}: {error}")
        gevent.sleep(3600)  # the slice is over, and the runner about to end this user

    def repeat(self) -> None:
        window, lane = self.generator.window, self.lane
        while window.closed is None:
            place = lane.stream.take()
            request = lane.requests[place]
            answer, failure = None, None
            sent = clock()
            try:
                answer = self.connection.ask(request)
            except (OSError, ProtocolError) as error:
                failure = error
            self.generator.answered(self, place, sent, sent, answer, failure)

    def serve(self) -> None:
        """Requests come from the dispatcher, or are in line. This greenlet waits for the
        answer, or for the server to close the connection that nothing is asked on."""
        while True:
            if self.connection.is_over():
                self.connection.open()
            if self.lane.line:
                self.begin(self.lane.line.popleft())
            else:
                self.lane.free.append(self)
            self.connection.wait()
            if not self.waits:
                if self in self.lane.free:
                    self.lane.free.remove(self)
                continue
            answer, failure = None, None
            try:
                answer = self.connection.receive(self.lane.requests[self.place].method, ready=True)
            except (OSError, ProtocolError) as error:
                failure = error
            self.waits = False
            self.generator.answered(self, self.place, self.intended, self.sent, answer, failure)
            if failure is not None:
                self.connection.close()

    def begin(self, intended: float) -> None:
        """Sends, and does not wait for the answer."""
        self.intended = intended
        self.place = self.lane.stream.take()
        self.waits = True
        wire = self.lane.requests[self.place].wire
        self.sent = clock()
        try:
            taken = self.connection.send_some(wire)
        except OSError:
            return  # who waits for the answer will find out
        if taken < len(wire):
            gevent.spawn(self.connection.send, memoryview(wire)[taken:])


class Generator:
    def __init__(self) -> None:
        self._right: dict[tuple[str, str], list[bytes | None]] = {}
        self._environment = Environment(user_classes=[LabUser])
        self._runner = self._environment.create_local_runner()
        LabUser.generator = self
        _settle()

    def run(self, order: Order) -> Tally:
        host = order.url.removeprefix("http://")
        self._expected = order.headers
        self._headers = [
            re.compile(rb"\r\n(?i:%b):[ \t]*%b[ \t]*(?:\r\n|$)" % (re.escape(n), re.escape(v)))
            for n, v in ((n.encode(), v.encode()) for n, v in order.headers.items())
        ]
        self._over = Event()
        self._lanes = [self._lane(stream, host) for stream in order.streams]
        self.roles = [lane for lane in self._lanes for _ in range(_users(lane.stream.order))]
        meter = Meter(order.pid)
        gc.collect()  # what earlier slices left; the rest is frozen
        gc.disable()
        dispatcher = None
        try:
            self.window = Window(order, [lane.stream for lane in self._lanes], meter, clock())
            self._environment.host = order.url
            gevent.get_hub().loop.update_now()  # it stood still meanwhile, and timers count from it
            users = len(self.roles)
            self._runner.start(users, spawn_rate=users)
            if order.is_open:
                dispatcher = gevent.spawn(self._dispatch, order)
            # Closed: to the warm-up, the longest window and the longest answer. Open: to
            # the longest window, whose last request is due at its end, and its answer.
            if not self._over.wait(order.warmup_s + 2 * order.max_s):
                unanswered = sum(lane.stream.in_flight for lane in self._lanes)
                waiting = sum(len(lane.line) for lane in self._lanes)
                self.window.fail(
                    f"{unanswered} requests had no answer, {waiting} were never sent", clock()
                )
        finally:
            if dispatcher is not None:
                dispatcher.kill()
            self._runner.stop()
            gc.enable()
        for lane in self._lanes:
            lane.stream.gave_up = len(lane.line)
        return self.window.figures()

    def fail(self, fault: str) -> None:
        self.window.fail(fault, clock())
        self._ended()

    def answered(
        self,
        user: LabUser,
        place: int,
        intended: float,
        sent: float,
        answer: Answer | None,
        failure: Exception | None,
    ) -> None:
        now = clock()
        fault = f"no answer: {failure!r}" if answer is None else self._fault(user, place, answer)
        self.window.answered(user.lane.stream, intended, sent, now, fault)
        if fault is not None:
            request, took_ms = user.lane.requests[place], (now - intended) * 1000
            failure = failure or CatchResponseError(fault)
            user.report(request, answer, took_ms, failure, time.time() - took_ms / 1000)
        if self.window.closed is not None:
            self._ended()

    def _ended(self) -> None:
        lines = () if self.window.faults else (lane.line for lane in self._lanes)
        if self.window.drained and not any(lines):
            self._over.set()

    def _fault(self, user: LabUser, place: int, answer: Answer) -> str | None:
        check, right = user.lane.checks[place], user.lane.right
        if (
            answer.content == right[place]
            and answer.status == check["status"]
            and all(header.search(answer.head) for header in self._headers)
        ):
            return None
        fault = requests.fault(check, answer.status, answer.headers, answer.content, self._expected)
        if fault is None:
            right[place] = answer.content
        return fault

    def _lane(self, order: StreamOrder, host: str) -> Lane:
        found = pool(order.pool)
        return Lane(
            Stream(order, len(found)),
            ready(order.pool, host),
            [request["check"] for request in found],
            self._right.setdefault((order.pool, host), [None] * len(found)),
        )

    def _arrivals(self, order: Order) -> Iterator[tuple[float, Lane]]:
        """Intended starts, in their order."""
        started = self.window.opening - order.warmup_s

        def of(lane: Lane, rate_rps: float) -> Iterator[tuple[float, Lane]]:
            stream = lane.stream.order
            offsets = schedule(stream.arrivals, rate_rps, f"{order.seed} {stream.name}")
            return ((started + offset, lane) for offset in offsets)

        due = [of(lane, rate) for lane in self._lanes if (rate := lane.stream.order.rate_rps)]
        return heapq.merge(*due, key=itemgetter(0))

    def _dispatch(self, order: Order) -> None:
        window, opening, span = self.window, self.window.opening, order.window_s
        ahead_s = min(AHEAD_MAX_S, AHEAD_SHARE / sum(s.rate_rps or 0.0 for s in order.streams))
        for intended, lane in self._arrivals(order):
            if window.opened is None and intended >= opening:
                _sleep_until(opening, ahead_s)
                window.open(opening)
            while intended >= opening + span:
                _sleep_until(opening + span, ahead_s)
                if window.over(span):
                    window.close(opening + span)
                    self._ended()
                    return
                span = min(span + STEP_S, order.max_s)
            _sleep_until(intended, ahead_s)
            if window.closed is not None:
                return  # a fault
            window.arrived(lane.stream, intended, clock())
            while lane.free:
                user = lane.free.pop()
                if not user.connection.is_over():
                    user.begin(intended)
                    break
                # Its greenlet is about to wake, finds itself missing here and opens anew.
            else:
                lane.line.append(intended)


def _users(order: StreamOrder) -> int:
    return (order.users or 0) if order.model == CLOSED else order.connections


def _settle() -> None:
    """Excepts all that lives now from collections: one over Locust's own objects takes as
    long as a short block."""
    gc.collect()
    gc.freeze()


def _sleep_until(due: float, ahead_s: float) -> None:
    """Answers are read meanwhile, and even when it is late already."""
    left = due - clock()
    gevent.sleep(left - ahead_s if left > ahead_s else 0)
    while clock() < due:
        gevent.sleep(0)
