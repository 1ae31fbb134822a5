"""The deadline of the current request, and what ends a task when its time is up.

Remote calls and kernels get what is left of the request's time.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Any

from service.errors import ServiceError

Task = asyncio.Task[Any]

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def set_end(at: float) -> None:
    """For everything that the current task does from here on; by time.monotonic()."""
    _deadline.set(at)


def remaining_s(default: float = 60.0) -> float:
    """What is left; the default where no deadline was set, as on the command line.

    Raises: ServiceError deadline_exceeded where nothing is left.
    """
    deadline = _deadline.get()
    if deadline is None:
        return default
    left = deadline - time.monotonic()
    if left <= 0:
        raise exceeded()
    return left


def exceeded() -> ServiceError:
    return ServiceError("deadline_exceeded", "the request's time ran out; send less or retry")


class Timeouts:
    """asyncio.timeout for very many tasks that all get the same time: one timer for all of them.

    Setting up and cancelling a timer for each request costs several times this.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._running: dict[Task, float] = {}  # and when it has to end; the oldest comes first
        self._late: set[Task] = set()
        self._loop: asyncio.AbstractEventLoop | None = None  # that the timer is set in

    def limit(self) -> Limit:
        """`with timeouts.limit() as ends_at:` is for one block of the current task, which must
        not be in another one of these timeouts. By time.monotonic().

        Raises: TimeoutError, out of the block, where its time ran out.
        """
        return Limit(self)

    def end_all(self) -> None:
        """As if the time of all that run now were up."""
        for task in self._running:
            self._late.add(task)
            task.cancel()
        self._running.clear()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._timeout_s, self._check, loop)

    def _was_late(self, task: Task) -> bool:
        """Whether it was cancelled from here, and from nowhere else as well."""
        self._late.remove(task)
        return task.uncancel() == 0

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._running:
            task, ends_at = next(iter(self._running.items()))
            left_s = ends_at - time.monotonic()
            if left_s > 0:
                loop.call_later(left_s, self._check, loop)
                return
            del self._running[task]
            self._late.add(task)
            task.cancel()
        self._loop = None


class Limit:
    """See Timeouts.limit, whose part it is. A class, because a generator costs more, and each
    request has one; for the same reason it calls nothing while all is in time."""

    __slots__ = ("_task", "_timeouts")

    def __init__(self, timeouts: Timeouts) -> None:
        task = asyncio.current_task()
        assert task is not None, "deadlines are for tasks"
        self._timeouts, self._task = timeouts, task

    def __enter__(self) -> float:
        timeouts, task = self._timeouts, self._task
        if not timeouts._running:
            timeouts._start(task.get_loop())
        ends_at = timeouts._running[task] = time.monotonic() + timeouts._timeout_s
        return ends_at

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> None:
        if self._timeouts._running.pop(self._task, None) is not None:
            return
        if self._timeouts._was_late(self._task) and kind is asyncio.CancelledError:
            assert isinstance(error, BaseException)
            raise TimeoutError from error
