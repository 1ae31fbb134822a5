"""One block of load at a time, by Locust's users.

Locust's runner spawns the users, one connection each. Its request event fires for failures
alone: statistics of its own, which nobody would read, cost a part of the generator's ceiling.
In the closed model a user sends when it has its answer. In the open model one
dispatcher for all streams sends each request when it is due, on the connection of a user
who is free; where none is, the request waits in line, and its latency grows.
"""

from __future__ import annotations

import gc
import heapq
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import gevent
from gevent.event import Event
from locust import task
from locust.env import Environment
from locust.exception import CatchResponseError

from loadtests.lab import answers
from loadtests.lab.arrivals import schedule
from loadtests.lab.block import OPEN, Block, Stream
from loadtests.lab.meter import Meter
from loadtests.users import Answer, LeanHttpUser, Prepared, ProtocolError, prepare

# A sleeper is woken late, by 0.1 ms and more where a virtual core had nothing to do. So the
# dispatcher sleeps until a while before a request is due, and then yields until it is: a
# fifth of the mean gap, which costs at most a fifth of a core.
AHEAD_SHARE, AHEAD_MAX_S = 0.2, 0.5e-3
STEP_S = 0.05  # by which a window is prolonged that has not enough requests yet
Judge = Callable[[Any, int, Mapping[str, str], bytes, Mapping[str, str]], str | None]
clock = time.perf_counter


class Arrival(NamedTuple):
    intended: float
    stream: Load


class Load:
    """A stream at work: its requests, and what they wait for."""

    def __init__(self, stream: Stream, pool: Pool, order: Mapping[str, Any]) -> None:
        self.stream, self.pool, self.order = stream, pool, order
        self.requests: list[Prepared] = []
        self.right: list[bytes | None] = []  # contents that this server was right to answer
        self.free: list[LabUser] = []  # open model: the last one that became free goes first
        self.line: deque[float] = deque()  # open model: intended starts that found none free


class Pool:
    """Requests and their checks, and by server the contents that were judged right."""

    def __init__(self, path: str) -> None:
        self._requests = json.loads(Path(path).read_text(encoding="utf-8"))["requests"]
        self.checks = [request["check"] for request in self._requests]
        for kind in {check["kind"] for check in self.checks} - {"bytes"}:
            answers.judge(kind)  # imported now, not under load
        self._prepared: dict[str, list[Prepared]] = {}
        self._right: dict[str, list[bytes | None]] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def prepared(self, host: str) -> list[Prepared]:
        if host not in self._prepared:
            self._prepared[host] = [
                prepare(
                    request["method"],
                    request["path"],
                    host,
                    request["body"],
                    name=request["path"].partition("?")[0],
                )
                for request in self._requests
            ]
        return self._prepared[host]

    def right(self, host: str) -> list[bytes | None]:
        return self._right.setdefault(host, [None] * len(self))


class LabUser(LeanHttpUser):
    """One connection. What it does the block's session says."""

    timeout_s = None  # the block has a deadline, and a timer for each request costs CPU
    session: Session

    def on_start(self) -> None:
        self.load = self.session.roles.pop()
        self.place = 0
        self.intended = self.sent = 0.0
        self.waits = False  # for an answer

    @task
    def work(self) -> None:
        try:
            self.connection.open()
            if self.load.stream.model == OPEN:
                self.serve()
            else:
                self.repeat()
        except OSError as error:
            self.session.fail(f"no connection to {self.base}: {error}")
        gevent.sleep(3600)  # the block is over, and the runner about to end this user

    def repeat(self) -> None:
        block, load = self.session.block, self.load
        while block.closed is None:
            place = load.stream.take()
            request = load.requests[place]
            answer, failure = None, None
            sent = clock()
            try:
                answer = self.connection.ask(request)
            except (OSError, ProtocolError) as error:
                failure = error
            self.session.answered(self, place, sent, sent, answer, failure)

    def serve(self) -> None:
        """Requests come from the dispatcher, or are in line. This greenlet waits for the
        answer, or for the server to close the connection that nothing is asked on."""
        while True:
            if self.connection.is_over():
                self.connection.open()
            if self.load.line:
                self.begin(self.load.line.popleft())
            else:
                self.load.free.append(self)
            self.connection.wait()
            if not self.waits:
                if self in self.load.free:
                    self.load.free.remove(self)
                continue
            answer, failure = None, None
            try:
                answer = self.connection.receive(self.load.requests[self.place].method, ready=True)
            except (OSError, ProtocolError) as error:
                failure = error
            self.waits = False
            self.session.answered(self, self.place, self.intended, self.sent, answer, failure)
            if failure is not None:
                self.connection.close()

    def begin(self, intended: float) -> None:
        """Sends, and does not wait for the answer."""
        self.intended = intended
        self.place = self.load.stream.take()
        self.waits = True
        wire = self.load.requests[self.place].wire
        self.sent = clock()
        try:
            taken = self.connection.send_some(wire)
        except OSError:
            return  # who waits for the answer will find out
        if taken < len(wire):
            gevent.spawn(self.connection.send, memoryview(wire)[taken:])


class Session:
    """judge: as answers.fault."""

    def __init__(self, judge: Judge = answers.fault) -> None:
        self._judge = judge
        self._pools: dict[str, Pool] = {}
        self._environment = Environment(user_classes=[LabUser])
        self._runner = self._environment.create_local_runner()
        LabUser.session = self
        _settle()

    def run(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """order: as generator.py has it. Returns: the raw figures of schema.md, and the id."""
        host = order["url"].removeprefix("http://")
        self._expected = order["headers"]
        self._headers = [
            re.compile(rb"\r\n(?i:%b):[ \t]*%b[ \t]*(?:\r\n|$)" % (re.escape(n), re.escape(v)))
            for n, v in ((n.encode(), v.encode()) for n, v in order["headers"].items())
        ]
        self._over = Event()
        self._loads = [self._load(found, host) for found in order["streams"]]
        self.roles = [load for load in self._loads for _ in range(self._users(load))]
        meter = Meter(order["pid"])
        gc.collect()  # what earlier blocks left; the rest is frozen
        gc.disable()
        dispatcher = None
        try:
            self.block = Block(order, [load.stream for load in self._loads], meter, clock())
            self._environment.host = order["url"]
            gevent.get_hub().loop.update_now()  # it stood still meanwhile, and timers count from it
            users = len(self.roles)
            self._runner.start(users, spawn_rate=users)
            if any(load.stream.model == OPEN for load in self._loads):
                dispatcher = gevent.spawn(self._dispatch, order)
            # Closed: to the warm-up, the longest window and the longest answer. Open: to
            # the longest window, whose last request is due at its end, and its answer.
            if not self._over.wait(order["warmup_s"] + 2 * order["max_s"]):
                unanswered = sum(load.stream.in_flight for load in self._loads)
                waiting = sum(len(load.line) for load in self._loads)
                self.block.fail(
                    f"{unanswered} requests had no answer, {waiting} were never sent", clock()
                )
        finally:
            if dispatcher is not None:
                dispatcher.kill()
            self._runner.stop()
            gc.enable()
        for load in self._loads:
            load.stream.gave_up = len(load.line)
        return {"id": order["id"], **self.block.figures()}

    def fail(self, fault: str) -> None:
        self.block.fail(fault, clock())
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
        self.block.answered(user.load.stream, intended, sent, now, fault)
        if fault is not None:
            request, took_ms = user.load.requests[place], (now - intended) * 1000
            failure = failure or CatchResponseError(fault)
            user.report(request, answer, took_ms, failure, time.time() - took_ms / 1000)
        if self.block.closed is not None:
            self._ended()

    def _ended(self) -> None:
        lines = () if self.block.faults else (load.line for load in self._loads)
        if self.block.drained and not any(lines):
            self._over.set()

    def _fault(self, user: LabUser, place: int, answer: Answer) -> str | None:
        check, right = user.load.pool.checks[place], user.load.right
        if (
            answer.content == right[place]
            and answer.status == check["status"]
            and all(header.search(answer.head) for header in self._headers)
        ):
            return None
        fault = self._judge(check, answer.status, answer.headers, answer.content, self._expected)
        if fault is None:
            right[place] = answer.content
        return fault

    def _load(self, found: Mapping[str, Any], host: str) -> Load:
        pool = self._pools.get(found["pool"])
        if pool is None:
            pool = self._pools[found["pool"]] = Pool(found["pool"])
            _settle()
        stream = Stream(
            found["name"], found["model"], found["first"], len(pool), found.get("rate_rps")
        )
        load = Load(stream, pool, found)
        load.requests, load.right = pool.prepared(host), pool.right(host)
        return load

    @staticmethod
    def _users(load: Load) -> int:
        return int(load.order["connections" if load.stream.model == OPEN else "users"])

    def _arrivals(self, order: Mapping[str, Any]) -> Iterator[Arrival]:
        started = self.block.opening - order["warmup_s"]
        return heapq.merge(
            *(
                (Arrival(started + offset, load) for offset in offsets)
                for load, offsets in (
                    (
                        load,
                        schedule(
                            load.order["arrivals"],
                            load.order["rate_rps"],
                            f"{order['seed']} {load.stream.name}",
                        ),
                    )
                    for load in self._loads
                    if load.stream.model == OPEN
                )
            ),
            key=lambda arrival: arrival.intended,
        )

    def _dispatch(self, order: Mapping[str, Any]) -> None:
        block, opening = self.block, self.block.opening
        span = order["window_s"]
        rates = [load.order["rate_rps"] for load in self._loads if load.stream.model == OPEN]
        ahead_s = min(AHEAD_MAX_S, AHEAD_SHARE / sum(rates))
        for intended, load in self._arrivals(order):
            if block.opened is None and intended >= opening:
                _sleep_until(opening, ahead_s)
                block.open(opening)
            while intended >= opening + span:
                _sleep_until(opening + span, ahead_s)
                if block.over(span):
                    block.close(opening + span)
                    self._ended()
                    return
                span = min(span + STEP_S, order["max_s"])
            _sleep_until(intended, ahead_s)
            if block.closed is not None:
                return  # a fault
            block.arrived(load.stream, intended, clock())
            while load.free:
                user = load.free.pop()
                if not user.connection.is_over():
                    user.begin(intended)
                    break
                # Its greenlet is about to wake, finds itself missing here and opens anew.
            else:
                load.line.append(intended)


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
