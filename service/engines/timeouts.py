"""asyncio.timeout for very many tasks that all get the same time: one timer for all of them.

Setting up and cancelling a timer for each request costs several times this.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

Task = asyncio.Task[Any]


class Timeouts:
    """Cancels tasks that were begun and have not ended in time."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._running: dict[Task, float] = {}  # and when it has to end; the oldest comes first
        self._late: set[Task] = set()
        self._loop: asyncio.AbstractEventLoop | None = None  # that the timer is set in

    def begin(self, task: Task) -> float:
        """When it has to end, by time.monotonic()."""
        if not self._running and self._loop is not task.get_loop():
            self._loop = task.get_loop()
            self._loop.call_later(self._timeout_s, self._check, self._loop)
        ends_at = self._running[task] = monotonic() + self._timeout_s
        return ends_at

    def is_late(self, task: Task) -> bool:
        """Whether a CancelledError came from here, and from nowhere else as well."""
        return task in self._late and task.cancelling() == 1

    def end(self, task: Task) -> None:
        if self._running.pop(task, None) is None:
            self._late.remove(task)
            task.uncancel()

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._running:
            task, ends_at = next(iter(self._running.items()))
            left_s = ends_at - monotonic()
            if left_s > 0:
                loop.call_later(left_s, self._check, loop)
                return
            del self._running[task]
            self._late.add(task)
            task.cancel()
        self._loop = None
