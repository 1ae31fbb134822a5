"""Users for Locust, which loadtests/locustfile.py finds here by the file's name.

It imports nothing of the service, which is not there where Locust alone is installed.
"""

from __future__ import annotations

from typing import Any

from locust import tag, task

from loadtests.checked import CheckedUser
from loadtests.lab.scenario import Draw, Request, Scenario, post

POOL = 64  # different requests
FARTHEST_M = 20_037_600  # half of the Earth's circumference


def requests(draw: Draw, items: int, *_: object) -> list[Request]:
    dice = draw.dice("nearest")
    drawn = [
        [{"lat": dice.uniform(-90, 90), "lon": dice.uniform(-180, 180)} for _ in range(items)]
        for _ in range(POOL)
    ]
    return [post("/v1/nearest", {"points": points}, distances, items) for points in drawn]


def distances(count: int, body: Any) -> str | None:
    found = [result["distance_m"] for result in body["results"]]
    if len(found) == count and all(0 <= metres <= FARTHEST_M for metres in found):
        return None
    return f"results: expected {count} distances on the Earth, got {found}"


NEAREST = Scenario(name="nearest", requests=requests, items=20)


class NearestUser(CheckedUser):
    abstract = True

    @tag("nearest")
    @task
    def nearest(self) -> None:
        self.call(NEAREST)
