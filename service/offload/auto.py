"""The offload that decides call by call."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Self

from service.offload.job import FromBody, Job, Outcome, Setup
from service.offload.local import Inline, Threads

INLINE_S = 200e-6
"""What may hold up the event loop: about what the way to a thread and back costs."""

_WEIGHT = 0.05  # of one call in what is known of its kind
_MOST = math.log(8)  # what one call can say: the machine may have been busy with others


class Auto:
    """Inline where a call is expected to take less than INLINE_S, else in a thread. For engines
    whose kernels release the GIL: for others a thread would only hold the loop up longer."""

    def __init__(self, inline: Inline, threads: Threads, held: Any) -> None:
        self._inline, self._threads, self._held = inline, threads, held
        self._corrections: defaultdict[str, float] = defaultdict(float)

    @classmethod
    async def open(cls, setup: Setup) -> Self:
        return cls(await Inline.open(setup), await Threads.open(setup), setup.held)

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        if isinstance(job, FromBody):  # which finds out by reading
            body, within_s = raw
            outcome = await self._inline.run(job, body, min(within_s, INLINE_S))
            if isinstance(outcome.answer, float):
                outcome = await self._threads.run(job, body, within_s)
            return outcome
        guessed_s = sum(job.cost(self._held, *raw))
        expected_s = guessed_s * math.exp(self._corrections[job.name])
        outcome = await (self._inline if expected_s < INLINE_S else self._threads).run(job, *raw)
        took_s = outcome.prepare_s + outcome.kernel_s + outcome.finish_s
        if guessed_s > 0 and took_s > 0:
            off = math.log(took_s / expected_s)
            self._corrections[job.name] += _WEIGHT * max(-_MOST, min(_MOST, off))
        return outcome

    @property
    def corrections(self) -> Mapping[str, float]:
        """By job: how many times as long as guessed its calls take."""
        return {name: math.exp(log) for name, log in self._corrections.items()}

    async def healthy(self) -> bool:
        return True

    async def close(self, grace_s: float) -> bool:
        return await self._threads.close(grace_s)
