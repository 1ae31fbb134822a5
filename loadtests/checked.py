"""Users for Locust whose requests are a scenario's, and whose every answer is checked."""

from __future__ import annotations

import random
from functools import cache, partial

from locust import constant

from loadtests.lab.requests import fault
from loadtests.lab.scenario import Check, Draw, Request, Scenario
from loadtests.users import Answer, LeanHttpUser, Prepared, prepare

SEED = 20260101


class CheckedUser(LeanHttpUser):
    abstract = True
    wait_time = constant(0)

    def call(self, scenario: Scenario) -> Answer | None:
        """Sends one of its requests."""
        request, check = random.choice(_ready(scenario, self.netloc))
        return self.send(request, partial(_fault, check))

    def ask(self, request: Request, name: str) -> Answer | None:
        """name: in the statistics, for a path that is another one each time."""
        return self.send(prepared(request, self.netloc, name), partial(_fault, request["check"]))


def prepared(request: Request, host: str, name: str | None = None) -> Prepared:
    name = name or request["path"].partition("?")[0]
    return prepare(request["method"], request["path"], host, request["body"], name=name)


@cache
def _ready(scenario: Scenario, host: str) -> list[tuple[Prepared, Check]]:
    """The same in every process, and made once for all users."""
    requests = scenario.requests(Draw(SEED), scenario.items or 0, None)
    return [(prepared(request, host), request["check"]) for request in requests]


def _fault(check: Check, answer: Answer) -> str | None:
    return fault(check, answer.status, answer.headers, answer.content, {})
