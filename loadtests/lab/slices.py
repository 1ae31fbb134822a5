"""A slice of load: what is ordered of the generator, and what it saw in all slices of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.lab.arrivals import POISSON
from loadtests.lab.histogram import added
from loadtests.lab.records import StreamTally, Tally, Usage

OPEN, CLOSED = "open", "closed"
CONNECTIONS = 64  # that the open model may open


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOrder:
    """Requests from a pool in one model: with `users` the closed one, with `rate_rps` the open.

    pool: path of the file. first: the place in it to begin at.
    """

    name: str
    pool: str
    first: int = 0
    users: int | None = None
    rate_rps: float | None = None
    arrivals: str = POISSON
    connections: int = CONNECTIONS

    @property
    def model(self) -> str:
        return CLOSED if self.rate_rps is None else OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One slice of load on one target.

    url: http://HOST:PORT. pid: of its server, on this machine. headers: expected of each answer.
    min_requests: of each stream, for which the window is prolonged up to max_s, which is also the
        longest that is waited for an answer.
    """

    id: str
    url: str
    pid: int
    streams: Sequence[StreamOrder]
    headers: Mapping[str, str]
    seed: int
    warmup_s: float
    window_s: float
    max_s: float
    min_requests: int = 1

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Order:
        """From what was written as JSON."""
        return cls(**{**fields, "streams": [StreamOrder(**found) for found in fields["streams"]]})

    @property
    def is_open(self) -> bool:
        return any(stream.model == OPEN for stream in self.streams)


def together(slices: Sequence[Tally]) -> Tally:
    """The figures of all slices, one at least, as those of one block. See schema.md."""
    usages = [found["usage"] for found in slices]
    used = [usage for usage in usages if usage is not None]
    return {
        "window_s": sum(found["window_s"] for found in slices),
        "streams": {
            name: _stream([found["streams"][name] for found in slices])
            for name in slices[0]["streams"]
        },
        "usage": {
            role: _usage([usage[role] for usage in used]) for role in used[0]
        } if len(used) == len(usages) else None,
        "generator_cpu_s": sum(found["generator_cpu_s"] for found in slices),
        "generator_waited_s": _known(sum, [found["generator_waited_s"] for found in slices]),
        "faults": [fault for found in slices for fault in found["faults"]],
        "generator_real_time": all(found["generator_real_time"] for found in slices),
    }  # fmt: skip


def _stream(slices: Sequence[StreamTally]) -> StreamTally:
    return {
        "model": slices[0]["model"],
        "rate_rps": slices[0]["rate_rps"],
        "taken": sum(found["taken"] for found in slices),
        "completed": sum(found["completed"] for found in slices),
        "latency": added(found["latency"] for found in slices),
        "raw_latency": added(found["raw_latency"] for found in slices),
        "lag": added(found["lag"] for found in slices),
        "max_in_flight": max(found["max_in_flight"] for found in slices),
        "gave_up": sum(found["gave_up"] for found in slices),
    }


def _usage(slices: Sequence[Usage]) -> Usage:
    return {
        "processes": max(found["processes"] for found in slices),
        "cpu_s": sum(found["cpu_s"] for found in slices),
        "peak_memory_bytes": _known(max, [found["peak_memory_bytes"] for found in slices]),
    }


def _known(of: Any, values: Sequence[float | None]) -> Any:
    """None where the system did not tell one of them."""
    return None if None in values else of(values)
