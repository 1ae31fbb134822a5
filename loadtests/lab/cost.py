"""What a request costs: CPU time, and money at the user's own price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.lab.resampling import spread

Block = Mapping[str, Any]


def cpu_s_per_request(block: Block) -> float | None:
    """Of server and sidecar together; None where the window never closed or nothing came."""
    completed = sum(stream["completed"] for stream in block["streams"].values())
    if not completed or block["usage"] is None:
        return None
    return float(sum(usage["cpu_s"] for usage in block["usage"].values()) / completed)


def per_million(blocks: Sequence[Block], price: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """vCPU-hours of a million requests over blocks, and their price where the user gave one.

    It is the price of the CPU time alone: not that of cores that idle, memory or traffic.
    """
    hours = [s * 1e6 / 3600 for block in blocks if (s := cpu_s_per_request(block)) is not None]
    spent = spread(hours)
    if spent is None:
        return None
    cost: dict[str, Any] = {"vcpu_hours": spent, "price": None}
    if price is not None:
        cost["price"] = {
            "amount": spread([hour * price["amount"] for hour in hours]),
            "currency": price["currency"],
        }
    return cost
