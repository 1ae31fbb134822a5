"""When requests are due in the open model, whatever becomes of the ones before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

POISSON, CONSTANT = "poisson", "constant"


def schedule(arrivals: str, rate_rps: float, seed: int | str) -> Iterator[float]:
    """Seconds from the start at which requests are due, without end.

    arrivals: POISSON, whose gaps are independent and exponential, as those of many users
        who do not know of each other are; or CONSTANT, equal gaps with a random phase, so
        that two streams do not run in step.
    The same for the same seed. Raises: ValueError.
    """
    if not rate_rps > 0:
        raise ValueError(f"rate_rps: expected more than 0, got {rate_rps}")
    dice = random.Random(seed)
    if arrivals == POISSON:
        return _poisson(dice, rate_rps)
    if arrivals == CONSTANT:
        phase = dice.random()
        return ((number + phase) / rate_rps for number in count())
    raise ValueError(f"arrivals: expected {POISSON} or {CONSTANT}, got {arrivals!r}")


def _poisson(dice: random.Random, rate_rps: float) -> Iterator[float]:
    due = 0.0
    while True:
        due += dice.expovariate(rate_rps)
        yield due
