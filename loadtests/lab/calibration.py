"""The generator's ceiling: what it can do against a server that does nothing."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from loadtests.lab.locust_process import LocustProcess
from loadtests.lab.resampling import spread
from loadtests.lab.targets import LabError, Target

USERS = 8
WARMUP_S, WINDOW_S = 0.2, 0.5


def ceiling(
    locust: LocustProcess, target: Target, pool: Path, seed: int, blocks: int = 5
) -> dict[str, Any]:
    """Saturates the generator, in the closed model; see schema.md.

    target: the null server. pool: of requests that it answers without any work.
    Raises LabError where an answer is wrong.
    """
    measured = []
    for number in range(1, blocks + 1):
        command = {
            "id": f"calibration {number}",
            "url": target.url,
            "pid": target.pid,
            "headers": {},
            "seed": seed + number,
            "warmup_s": WARMUP_S,
            "window_s": WINDOW_S,
            "min_requests": 1,
            "max_s": 10.0,
            "streams": [
                {
                    "name": "main",
                    "pool": str(pool),
                    "first": 0,
                    "model": "closed",
                    "users": USERS,
                }
            ],
        }
        figures = locust.load(command, timeout_s=40)
        if figures["faults"]:
            raise LabError(target.crashed() or f"calibration: {figures['faults'][0]}")
        measured.append(figures)
    done = [figures["streams"]["main"]["completed"] for figures in measured]
    rates = [count / figures["window_s"] for count, figures in zip(done, measured, strict=True)]
    costs = [
        1e6 * figures["generator_cpu_s"] / count
        for count, figures in zip(done, measured, strict=True)
    ]
    return {
        "ceiling_rps": spread(rates),
        "cpu_us_per_request": median(costs),
        "users": USERS,
        "blocks": measured,
    }
