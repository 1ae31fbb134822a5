"""Load on POST /v1/matches, for Locust as you know it:

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000

Users send requests back to back (a closed model: each waits for its answer), with
names from the small mix below, and check the status and the shape of each answer.

The lab (`hotpath lab run`) drives the same user. It then names a block of load in
the environment variable HOTPATH_LAB_BLOCK: the requests come from the lab's seeded
pool, every hit is compared with the expected one, and the figures go to a file.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from typing import Any, Protocol

import gevent
import locust.stats
from locust import FastHttpUser, constant, events, tag, task

GIVEN = ("Amal", "Boris", "Carmen", "Dmitri", "Elena", "Farid", "Grace", "Hassan", "Ines", "Joao")
FAMILY = ("Andersen", "Bhatt", "Costa", "Dubois", "Eriksen", "Fofana", "Garcia", "Haddad", "Ivanov")
NAMES_PER_REQUEST = 4
SEED = 20260101


# Locust keeps response times to 1 ms and, above 100 ms, to two digits: too coarse to
# tell fast engines apart. A hundredth of a millisecond is kept instead.
def hundredths(response_time: float) -> float:
    return round(response_time, 2)


# The documented hook is typed for whole numbers; any number serves as a key.
locust.stats.bucket_response_time = hundredths  # type: ignore[assignment]


class Load(Protocol):
    """Where requests come from, and what judges their answers."""

    def take(self) -> tuple[str, int] | None:
        """A request's body, and a ticket to judge its answer by; None when all is over."""

    def fault(
        self, ticket: int, status: int, headers: Mapping[str, str], content: bytes
    ) -> str | None:
        """What is wrong with the answer, or None."""


class BuiltInLoad(Load):
    """Requests without the lab: a seeded mix of names; the answer's shape is checked."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)

    def take(self) -> tuple[str, int]:
        names = [
            f"{self.random.choice(GIVEN)} {self.random.choice(FAMILY)}"
            for _ in range(NAMES_PER_REQUEST)
        ]
        return json.dumps({"names": names, "cutoff": 0.9, "limit": 5}), len(names)

    def fault(
        self,
        ticket: int,  # the number of names sent
        status: int,
        headers: Mapping[str, str],  # noqa: ARG002  # no particular engine is expected
        content: bytes,
    ) -> str | None:
        if status != 200:
            return f"status: expected 200, got {status}"
        try:
            hits = [result["hits"] for result in json.loads(content)["results"]]
        except (ValueError, KeyError, TypeError) as error:
            return f"body: expected results with hits, got {content[:200]!r} ({error!r})"
        return None if len(hits) == ticket else f"results: expected {ticket}, got {len(hits)}"


class ScreeningUser(FastHttpUser):
    wait_time = constant(0)
    load: Load = BuiltInLoad()

    @tag("matches")
    @task
    def matches(self) -> None:
        taken = self.load.take()
        if taken is None:
            gevent.sleep(3600)  # the block is over, and the process about to end
            return
        body, ticket = taken
        with self.client.post(
            "/v1/matches",
            data=body,
            headers={"Content-Type": "application/json"},
            catch_response=True,
        ) as response:
            if response.status_code == 0:
                response.failure(f"no response: {response.error!r}")
                return
            fault = self.load.fault(
                ticket, response.status_code, response.headers, response.content or b""
            )
            if fault is not None:
                response.failure(fault)


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust types none of its events
def follow_the_lab(environment: Any, **_: Any) -> None:
    path = os.environ.get("HOTPATH_LAB_BLOCK")
    if path is None:
        return
    from loadtests.lab.block import Block

    block = Block.from_file(path)
    ScreeningUser.load = block
    ScreeningUser.network_timeout = block.settings["max_s"]

    def record(response_time: float, exception: Exception | None, **_: Any) -> None:
        block.completed(response_time, exception)
        if block.drained:
            gevent.spawn(environment.runner.quit)

    environment.events.request.add_listener(record)
    environment.events.quitting.add_listener(lambda **_: block.write())
