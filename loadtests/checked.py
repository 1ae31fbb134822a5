"""Users for Locust whose requests are prepared once and whose every answer is checked."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from locust import constant

from loadtests.users import Answer, LeanHttpUser, Prepared, prepare

Check = Callable[[Answer], str | None]
Call = tuple[Prepared, Check]


class CheckedUser(LeanHttpUser):
    """calls: by scenario the requests that one is chosen from; a derived class adds its own."""

    abstract = True
    wait_time = constant(0)

    def on_start(self) -> None:
        self.calls: dict[str, list[Call]] = {}

    def call(self, scenario: str) -> Answer | None:
        request, check = random.choice(self.calls[scenario])
        return self.send(request, check)


def get(host: str, path: str, check: Check) -> Call:
    return prepare("GET", path, host, name=path.partition("?")[0]), check


def post(host: str, path: str, body: Any, check: Check) -> Call:
    return prepare("POST", path, host, json.dumps(body)), check


def checked(status: int, judge: Callable[[Any], str | None]) -> Check:
    """judge: what is wrong with the decoded body, or None; it may fail on a body of another
    shape."""

    def check(answer: Answer) -> str | None:
        if answer.status != status:
            shown = answer.content[:200].decode(errors="replace")
            return f"status: expected {status}, got {answer.status}: {shown}"
        try:
            return judge(json.loads(answer.content))
        except (ValueError, KeyError, TypeError) as error:
            return f"body: expected another shape, got {answer.content[:200]!r} ({error!r})"

    return check


def differs(what: str, expected: Any, got: Any) -> str | None:
    return None if got == expected else f"{what}: expected {expected!r:.200}, got {got!r:.200}"
