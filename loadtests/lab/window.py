"""What counts in one slice of load on one target. Pure: times come in, in seconds of one
clock; nothing here waits or sends.

Where all streams are closed, the window opens at the first answer after the warm-up and
closes at the first answer by which its time is over and enough requests are done. A
request counts if its answer came inside (the opening answer itself does not). As many
requests were in flight at the opening as are at the close, so the rate is true, and both
ends lie on answers, so that a slow target's rate is not rounded by the window's length.

Where a stream is open, the window is a span of the schedule, and one of its requests
counts if it was due inside, whenever its answer came. A closed stream beside it counts
the answers of that span.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loadtests.lab.histogram import Histogram
from loadtests.lab.records import StreamTally, Tally
from loadtests.lab.slices import Order, StreamOrder

if TYPE_CHECKING:
    from loadtests.lab.meter import Meter


@dataclass(slots=True)
class Stream:
    """pool_size: of the requests that it takes in turn.
    due: counted so far, whether answered or not."""

    order: StreamOrder
    pool_size: int
    taken: int = 0
    due: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    gave_up: int = 0
    latency: Histogram = field(default_factory=Histogram)
    raw_latency: Histogram = field(default_factory=Histogram)  # open model
    lag: Histogram = field(default_factory=Histogram)

    @property
    def is_open(self) -> bool:
        return self.order.rate_rps is not None

    def take(self) -> int:
        """The place in the pool of the request that is sent now."""
        place = (self.order.first + self.taken) % self.pool_size
        self.taken += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        return place

    def figures(self) -> StreamTally:
        return {
            "model": self.order.model,
            "rate_rps": self.order.rate_rps,
            "taken": self.taken,
            "completed": self.latency.total,
            "latency": self.latency.pairs(),
            "raw_latency": (self.raw_latency if self.is_open else self.latency).pairs(),
            "lag": self.lag.pairs(),
            "max_in_flight": self.max_in_flight,
            "gave_up": self.gave_up,
        }


class Window:
    def __init__(self, order: Order, streams: Sequence[Stream], meter: Meter, now: float) -> None:
        self._order, self.streams, self._meter = order, streams, meter
        self.opening = now + order.warmup_s
        self.opened: float | None = None
        self.closed: float | None = None
        self.faults: list[str] = []
        self._readings = 0  # of the meter, at the window's ends
        self._scheduled = order.is_open

    @property
    def drained(self) -> bool:
        return self.closed is not None and not any(stream.in_flight for stream in self.streams)

    def enough(self) -> bool:
        return all(stream.due >= self._order.min_requests for stream in self.streams)

    def over(self, span: float) -> bool:
        """Whether the window may close when it has been open for so long."""
        return span >= self._order.max_s or (span >= self._order.window_s and self.enough())

    def open(self, now: float) -> None:
        self.opened = now
        self._metered(self._meter.open)

    def close(self, now: float) -> None:
        if self.closed is not None:
            return
        self.closed = now
        if self.opened is not None:
            self._metered(self._meter.close)

    def fail(self, fault: str, now: float) -> None:
        """Ends the slice: its figures are void, and more load is of no use."""
        self.faults.append(fault)
        self.close(now)

    def arrived(self, stream: Stream, intended: float, now: float) -> None:
        """An open stream's request is due, and the generator has noticed it now."""
        if self.opened is not None and intended >= self.opened:
            stream.due += 1
            stream.lag.record(now - intended)

    def answered(
        self, stream: Stream, intended: float, sent: float, now: float, fault: str | None = None
    ) -> None:
        """Once for each request taken, at the moment its answer came."""
        stream.in_flight -= 1
        if fault is not None:
            self.fail(fault, now)
        elif stream.is_open:
            # What was due after the close was never sent.
            if self.opened is not None and intended >= self.opened:
                stream.latency.record(now - intended)
                stream.raw_latency.record(now - sent)
        elif self.closed is None:
            self._count(stream, sent, now)

    def _count(self, stream: Stream, sent: float, now: float) -> None:
        if self.opened is None:
            if not self._scheduled and now >= self.opening:
                self.open(now)
            return
        stream.due += 1
        stream.latency.record(now - sent)
        if not self._scheduled and self.over(now - self.opened):
            self.close(now)

    def _metered(self, read: Callable[[], None]) -> None:
        try:
            read()
            self._readings += 1
        except ProcessLookupError as error:
            self.faults.append(str(error))
            self.closed = self.closed or self.opened

    def figures(self) -> Tally:
        """When all is answered, or given up. See schema.md."""
        meter, faults, usage = self._meter, [*self.faults], None
        for stream in self.streams:
            missing = stream.due - stream.latency.total
            if missing and not faults:
                faults.append(f"stream {stream.order.name}: {missing} requests had no answer")
        was_metered = self._readings == 2
        if was_metered:
            try:
                usage = meter.used()
            except ProcessLookupError as error:
                faults.append(str(error))
        span = 0.0 if self.opened is None or self.closed is None else self.closed - self.opened
        return {
            "window_s": span,
            "streams": {stream.order.name: stream.figures() for stream in self.streams},
            "usage": usage,
            "generator_cpu_s": meter.generator_cpu_s if was_metered else 0.0,
            "generator_waited_s": meter.generator_waited_s if was_metered else None,
            "faults": faults,
        }
