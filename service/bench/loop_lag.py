"""How late the event loop wakes, as the server itself sees it.

Every request waits at least as long as the loop is late: this is what one blocking call does
to all the others.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from contextlib import suppress

from fastapi import APIRouter
from pydantic import BaseModel, Field

INTERVAL_S = 0.005
GROWTH = 1.01  # of a bucket over the one before


class LoopLag(BaseModel):
    late: list[tuple[int, int]] = Field(
        description="pairs of k and a count: how often the loop woke 1.01^k to 1.01^(k+1) "
        "microseconds late; those below one microsecond are in bucket 0"
    )


class Watch:
    """Sleeps again and again while it is on, and notes how late each wake is."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._late: Counter[int] = Counter()

    async def begin(self) -> None:
        await self.end()
        self._late = Counter()
        self._task = asyncio.create_task(self._watch())

    async def end(self) -> list[tuple[int, int]]:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        return sorted(self._late.items())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            late_us = 1e6 * (loop.time() - due)
            self._late[int(math.log(late_us, GROWTH)) if late_us > 1 else 0] += 1


def router() -> APIRouter:
    """POST begins to measure, GET ends that and gives what was found: an idle server measures
    nothing. Not in OpenAPI, as the gateway has no such loop."""
    watch = Watch()
    found = APIRouter(prefix="/bench", include_in_schema=False)

    @found.post("/loop-lag", status_code=204)
    async def begin() -> None:
        await watch.begin()

    @found.get("/loop-lag")
    async def end() -> LoopLag:
        return LoopLag(late=await watch.end())

    return found
