"""The kernel with what the language brings."""

from __future__ import annotations

import json

from tests.platform.toy.faults import Fault, befall

S_PER_NUMBER = 1e-6


def total(numbers: list[int], fault: Fault, wait_s: float, gate: str) -> int:
    befall(fault, wait_s, gate)
    return sum(numbers)


def answer_sum(body: bytes, within_s: float, most: int) -> bytes | float | None:
    """See FromBody. Plain is what has numbers from 0 on and nothing else."""
    try:
        request = json.loads(body.decode())
        numbers = request.pop("numbers")
        is_plain = not request and type(numbers) is list and len(numbers) <= most
        if not is_plain or not all(type(number) is int and number >= 0 for number in numbers):
            return None
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None
    if S_PER_NUMBER * len(numbers) > within_s:
        return S_PER_NUMBER * len(numbers)
    return b'{"total":%d}' % sum(numbers)
