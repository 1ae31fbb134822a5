"""The kernel as its definition reads."""

from __future__ import annotations

from tests.platform.toy.faults import Fault, befall


def total(numbers: list[int], fault: Fault, wait_s: float, gate: str) -> int:
    """The sum of the numbers, after what `befall` does; 0 without any."""
    befall(fault, wait_s, gate)
    found = 0
    for number in numbers:
        found += number
    return found
