"""The kernel with what the language brings."""

from __future__ import annotations

from tests.platform.toy.faults import Fault, befall


def total(numbers: list[int], fault: Fault, wait_s: float, gate: str) -> int:
    befall(fault, wait_s, gate)
    return sum(numbers)
