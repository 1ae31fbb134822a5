"""The connections of one process: how many there are, which of them wait, what they hold."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from typing import TYPE_CHECKING

from service.settings import Settings

if TYPE_CHECKING:
    from service.http.edge import Edge

_DESCRIPTORS_KEPT = 256
"""For what is no connection of a client: the database's, upstreams', pipes, files."""


class Connections:
    """Bounds all connections of a process; where there are too many, those go that have waited
    longest."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._keep_alive_s = settings.keep_alive_s
        self._most = most_connections(settings)
        self._most_of_one = settings.max_connections_per_address
        self._most_unfinished = settings.max_unfinished_bytes
        self._count = 0
        self._by_address: Counter[str] = Counter()
        self.all: set[Edge] = set()
        # Each with the one that has waited longest first.
        self.heads: dict[Edge, float] = {}  # without a whole head, since then; it has its own timer
        self.idle: dict[Edge, float] = {}  # without a request, since then
        self.unfinished: dict[Edge, int] = {}  # without a whole body, of which so many bytes came
        self._unfinished_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def may_enter(self, address: str) -> bool:
        """Whether there is room for one more, after one that waited may have made it. It is counted
        from then on, until it leaves."""
        if self._most_of_one and self._by_address[address] >= self._most_of_one:
            return False
        if self._count >= self._most and not self.make_room():
            return False
        self._count += 1
        self._by_address[address] += 1
        return True

    def make_room(self) -> bool:
        """Closes the connection that has been without a request longest. Returns: whether there
        was one."""
        waiting = [next(iter(kind.items())) for kind in (self.heads, self.idle) if kind]
        if not waiting:
            return False
        edge, _ = min(waiting, key=lambda one: one[1])
        self.leave(edge)
        edge.drop()
        return True

    def leave(self, edge: Edge) -> None:
        """It may have left before."""
        if edge in self.all:
            self.all.remove(edge)
            self.is_gone(edge.address)
            self.has_request(edge)
            self.is_finished(edge)

    def is_gone(self, address: str) -> None:
        """One that was counted."""
        self._count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def awaits_head(self, edge: Edge) -> None:
        self.idle.pop(edge, None)
        self.heads[edge] = self._loop.time()

    def is_idle(self, edge: Edge) -> None:
        self.idle[edge] = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._keep_alive_s, self._close_idle)

    def has_request(self, edge: Edge) -> None:
        if self.idle.pop(edge, None) is None:
            self.heads.pop(edge, None)

    def arrived(self, edge: Edge, size: int) -> None:
        """A part of a body, whose rest is awaited."""
        self.unfinished[edge] = self.unfinished.get(edge, 0) + size
        self._unfinished_bytes += size
        while self._unfinished_bytes > self._most_unfinished:
            oldest = next(iter(self.unfinished))
            self.is_finished(oldest)
            oldest.refuse_body()

    def is_finished(self, edge: Edge) -> None:
        self._unfinished_bytes -= self.unfinished.pop(edge, 0)

    def _close_idle(self) -> None:
        """One timer for all: to set and cancel one for each request would cost more than this."""
        self._timer = None
        while self.idle:
            edge, since = next(iter(self.idle.items()))
            left_s = since + self._keep_alive_s - self._loop.time()
            if left_s > 0:
                self._timer = self._loop.call_later(left_s, self._close_idle)
                return
            del self.idle[edge]
            edge.drop()


def most_connections(settings: Settings) -> int:
    return min(settings.max_connections, _descriptors())


def _descriptors() -> int:
    """How many of them connections may have."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return 1 << 20
    return max(limit - _DESCRIPTORS_KEPT, limit // 4, 1)
