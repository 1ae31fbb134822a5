"""Users for Locust, which loadtests/locustfile.py finds here by the file's name.

It imports nothing of the service, which is not there where Locust alone is installed.
"""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from locust import tag, task

from loadtests.checked import Call, Check, CheckedUser, checked, post

POINTS = 20  # of a request
POOL = 64  # different requests
SEED = 20260101
FARTHEST_M = 20_037_600  # half of the Earth's circumference


def expect_distances() -> Check:
    def judge(body: Any) -> str | None:
        distances = [result["distance_m"] for result in body["results"]]
        if len(distances) == POINTS and all(0 <= metres <= FARTHEST_M for metres in distances):
            return None
        return f"results: expected {POINTS} distances on the Earth, got {distances}"

    return checked(200, judge)


@cache
def calls(host: str) -> list[Call]:
    dice = random.Random(SEED)
    return [
        post(
            host,
            "/v1/nearest",
            {
                "points": [
                    {"lat": dice.uniform(-90, 90), "lon": dice.uniform(-180, 180)}
                    for _ in range(POINTS)
                ]
            },
            expect_distances(),
        )
        for _ in range(POOL)
    ]


class NearestUser(CheckedUser):
    abstract = True

    def on_start(self) -> None:
        super().on_start()
        self.calls |= {"nearest": calls(self.netloc)}

    @tag("nearest")
    @task
    def nearest(self) -> None:
        self.call("nearest")
