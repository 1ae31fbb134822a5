"""One block of load on one target, as seen from inside the Locust process.

The window opens at the first answer after the warm-up and closes at the first
answer by which both its time is over and enough requests are done. A request counts
if its answer came inside the window (the opening answer itself does not), for
throughput, latency and CPU time alike. Requests in flight at the close are still
awaited and checked, but not counted: as many were in flight at the opening, whose
answers are. Both ends lie on answers, so a slow target's rate is not rounded by the
length of the window.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loadtests.lab import answers
from loadtests.lab.resources import Reading, read_tree, used_between

LATENCY_UNIT_MS = 0.01


class Block:
    """Hands out the requests of a block and records what came back.

    settings: warmup_s, window_s, min_requests, max_s (the window's upper bound),
        first (index of the first request in the pool), headers (expected of every
        answer), pid (of the server, on this machine), workload and output (paths).
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        bodies: list[str],
        expected: list[answers.ExpectedHits],
        read: Callable[[int], Reading] = read_tree,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.settings = settings
        self.bodies = bodies
        self.expected = expected
        self.read = read
        self.clock = clock
        self.started = clock()
        self.taken = 0
        self.in_flight = 0
        self.faults: list[str] = []
        self.latencies: Counter[int] = Counter()  # in units of LATENCY_UNIT_MS
        self.opened: float | None = None
        self.closed = False
        self.window_s = 0.0
        self.usage: dict[str, Any] | None = None
        self.generator_cpu_s = 0.0

    @classmethod
    def from_file(cls, path: str) -> Block:
        settings = json.loads(Path(path).read_text())
        workload = json.loads(Path(settings["workload"]).read_text())
        return cls(settings, workload["bodies"], workload["expected"])

    @property
    def drained(self) -> bool:
        return self.closed and self.in_flight == 0

    def take(self) -> tuple[str, int] | None:
        """The next request's body and its index in the pool; None when the block is over."""
        if self.closed:
            return None
        index = (self.settings["first"] + self.taken) % len(self.bodies)
        self.taken += 1
        self.in_flight += 1
        return self.bodies[index], index

    def fault(
        self, index: int, status: int, headers: Mapping[str, str], content: bytes
    ) -> str | None:
        return answers.fault(
            status, headers, content, self.settings["headers"], self.expected[index]
        )

    def completed(self, latency_ms: float, exception: Exception | None) -> None:
        """Must be called once for each request taken, at the moment its answer came."""
        now = self.clock()
        self.in_flight -= 1
        if exception is not None:
            self.faults.append(str(exception))
            self.closed = True  # the figures are void now: no use in more load
        if self.closed:
            return
        if self.opened is None:
            if now - self.started >= self.settings["warmup_s"]:
                self._open(now)
            return
        self.latencies[round(latency_ms / LATENCY_UNIT_MS)] += 1
        elapsed = now - self.opened
        enough = self.latencies.total() >= self.settings["min_requests"]
        if elapsed >= self.settings["max_s"] or (enough and elapsed >= self.settings["window_s"]):
            self._close(elapsed)

    def _open(self, now: float) -> None:
        self.opened = now
        self._reading = self.read(self.settings["pid"])
        self._generator = time.process_time()

    def _close(self, elapsed: float) -> None:
        self.closed = True
        self.window_s = elapsed
        self.generator_cpu_s = time.process_time() - self._generator
        try:
            self.usage = used_between(self._reading, self.read(self.settings["pid"]))
        except ProcessLookupError as error:
            self.faults.append(str(error))

    def figures(self) -> dict[str, Any]:
        """The raw figures; see schema.md."""
        return {
            "taken": self.taken,
            "completed": self.latencies.total(),
            "window_s": self.window_s,
            "latency_unit_ms": LATENCY_UNIT_MS,
            "latency": sorted(self.latencies.items()),
            "usage": self.usage,
            "generator_cpu_s": self.generator_cpu_s,
            "faults": self.faults,
        }

    def write(self) -> None:
        Path(self.settings["output"]).write_text(json.dumps(self.figures()))
