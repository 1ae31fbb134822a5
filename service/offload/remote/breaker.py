"""A circuit breaker: while a peer is known to be away, its callers are told at once.

Source: the states of Nygard's "Release It!"; its half-open state is a probe of our own here, so
that no caller's request has to be the one that tries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import grpc

log = logging.getLogger("hotpath.sidecar")

PAUSE_S = 0.05  # between probes
MOST_TOKENS = 10.0
TOKENS_PER_ANSWER = 0.1
"""So that at most a tenth of the calls are made twice, but for the first few: an outage must not
be answered by twice the load. The numbers are those of gRPC's own retry throttling."""

AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
"""Codes of a peer that is not there: a kernel has no effect, so it can be asked again."""


class Breaker:
    """To be used on one event loop.

    probe: asks the peer how it is, within a time of its own.
    """

    def __init__(self, probe: Callable[[], Awaitable[bool]]) -> None:
        self.openings = 0  # how often it opened, for who counts
        self._probe = probe
        self._closed = asyncio.Event()
        self._closed.set()
        self._probing: asyncio.Task[None] | None = None
        self._tokens = MOST_TOKENS
        self._is_ended = False

    @property
    def is_open(self) -> bool:
        return not self._closed.is_set()

    def answered(self) -> None:
        self._tokens = min(MOST_TOKENS, self._tokens + TOKENS_PER_ANSWER)

    def failed(self, code: grpc.StatusCode) -> None:
        """A peer that is away opens it. One that was too slow is asked first: the calls may have
        been large."""
        if self._is_ended:
            return
        if code in AWAY:
            self._open()
        elif code is not grpc.StatusCode.DEADLINE_EXCEEDED:
            return
        if self._probing is None:
            self._probing = asyncio.get_running_loop().create_task(self._until_it_answers())
            self._probing.add_done_callback(self._probed)

    async def may_retry(self, code: grpc.StatusCode, within_s: float) -> bool:
        """Whether a call that failed may be made once more: waits until the peer is back."""
        if self._is_ended or code not in AWAY or self._tokens < 1:
            return False
        self._tokens -= 1
        try:
            async with asyncio.timeout(within_s):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    async def end(self) -> None:
        self._is_ended = True
        if self._probing:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    def _open(self) -> None:
        if not self.is_open:
            self.openings += 1
            self._closed.clear()
            log.warning("the sidecar does not answer: calls are refused until it does")

    async def _until_it_answers(self) -> None:
        while not await self._probe():
            self._open()
            await asyncio.sleep(PAUSE_S)
        if self.is_open:
            log.info("the sidecar answers again")
            self._closed.set()

    def _probed(self, task: asyncio.Task[None]) -> None:
        self._probing = None
        if not task.cancelled() and (error := task.exception()):
            # Whatever it was, calls are let through again: the next failure probes anew.
            log.error("the probe of the sidecar failed: %s", error)
            self._closed.set()
