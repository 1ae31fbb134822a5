"""The deadline of the current request: remote calls get what is left of it.

The HTTP middleware ends the request itself when it passes.
"""

from __future__ import annotations

import time
from contextvars import ContextVar

from service.errors import ServiceError

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
