"""A limit on the calls inside: a queue without one only hides overload."""

from __future__ import annotations

from service.errors import ServiceError


class Admission:
    """A count of the calls inside, those at work and those that wait."""

    def __init__(self, workers: int, max_waiting: int) -> None:
        self._limit = workers + max_waiting
        self._inside = 0

    def enter(self) -> None:
        """Raises: ServiceError overloaded."""
        if self._inside >= self._limit:
            raise ServiceError(
                "overloaded",
                f"all workers are busy and {self._limit} calls are inside; retry later",
            )
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
