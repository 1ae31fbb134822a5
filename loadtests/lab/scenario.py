"""What a domain says of a load: one Scenario, in a file of its own, and all of them in a Lab.

Imports nothing but the standard library, so that a domain can name these types wherever it
runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, TypedDict

from loadtests.options import Options as Options

BYTES = "bytes"
Judge = Callable[[Any, Any], str | None]
"""What is wrong with a decoded answer, or None, from what is expected and the answer. It may fail
on a body of another shape. Requests name it by its import string: it is a module's function."""


class Check(TypedDict):
    """kind: the import string of a judge, or BYTES for content that must be exactly the text
        `expected`.
    status: that the answer must have.
    engine: whether the server's engine answers, and must be named in the headers.
    expected: what the judge takes.
    """

    kind: str
    status: int
    engine: bool
    expected: Any


class Request(TypedDict):
    method: str
    path: str
    body: str | None
    check: Check


@dataclass
class Draw:
    """What requests are drawn from, the same for every server. A domain that needs more than
    the seed derives from it."""

    seed: int

    def dice(self, *purpose: object) -> Random:
        return Random(" ".join(map(str, (self.seed, *purpose))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much one item takes, where a request can set it: swept to find where a sidecar pays.

    levels: from the least work to the most.
    unit: from the kernels, the draw and a level a call, and how many items it does.
    """

    levels: tuple[float, ...]
    unit: Callable[[Any, Any, float], tuple[Callable[[], Any], int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """requests: from the Draw, the items of each and the level of work (None for the usual one).
    What they expect comes from elsewhere than the engines.
    items: of a request, usually; None where it has none.
    sweep: other numbers of items, measured besides.
    is_hot: an engine answers. The first hot scenario of a domain stands for its hot path.
    rate_rps: of steady arrivals, for answers that wait for others most of the time; else users
        send one request after another.
    """

    name: str
    requests: Callable[[Any, int, float | None], list[Request]]
    items: int | None = None
    sweep: tuple[int, ...] = ()
    is_hot: bool = False
    rate_rps: float | None = None
    work: Work | None = None


class Process(Protocol):
    """A process that is up, beside the servers."""

    port: int

    def ask(self, method: str, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content. Raises OSError or HTTPException."""
        ...


Start = Callable[[str, Sequence[str], str], Process]
"""Starts a `hotpath` command from its name for the logs, its arguments (`{port}` stands for the
port) and the path that answers with 200 once it is up. The lab ends it. Raises LabError."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """environment: of the servers, on top of the lab's. facts: for the settings in result.json."""

    draw: Draw
    environment: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def nothing_else(options: Options, seed: int, _: Start) -> Iterator[Surroundings]:
    yield Surroundings(Draw(seed), facts=options.facts())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """All that a domain has to load; Domain.lab is the import string of one.

    surroundings: from the options, the seed and Start what stands around the servers while they
        are measured. Raises ServiceError where the options are wrong.
    said: the settings of a result in words for the report, by title.
    """

    scenarios: tuple[Scenario, ...] = ()
    options: type[Options] = Options
    surroundings: Callable[[Any, int, Start], AbstractContextManager[Surroundings]] = nothing_else

    said: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda _: {}

    def hot(self) -> list[Scenario]:
        return [scenario for scenario in self.scenarios if scenario.is_hot]

    def io(self) -> list[Scenario]:
        return [scenario for scenario in self.scenarios if not scenario.is_hot]

    def swept(self) -> Scenario | None:
        """The one whose work is swept: the first that can be."""
        return next((found for found in self.hot() if found.work and found.items), None)

    def named(self, name: str) -> Scenario:
        return next(scenario for scenario in self.scenarios if scenario.name == name)


def post(path: str, body: Any, judge: Judge, expected: Any, status: int = 200) -> Request:
    """Answered by an engine, which the answer must name."""
    check = _check(judge, expected, status, engine=True)
    return {"method": "POST", "path": path, "body": json.dumps(body), "check": check}


def get(path: str, judge: Judge | None, expected: Any) -> Request:
    """judge: None for content that must be exactly the text `expected`."""
    check = _check(judge, expected, 200, engine=False)
    return {"method": "GET", "path": path, "body": None, "check": check}


def _check(judge: Judge | None, expected: Any, status: int, *, engine: bool) -> Check:
    kind = BYTES if judge is None else f"{judge.__module__}:{judge.__qualname__}"
    return {"kind": kind, "status": status, "engine": engine, "expected": expected}


def equal_json(expected: Any, document: Any) -> str | None:
    if document == expected:
        return None
    if isinstance(expected, dict) and isinstance(document, dict):
        for name in sorted(expected.keys() | document.keys()):
            if expected.get(name) != document.get(name):
                return differs(name, expected.get(name), document.get(name))
    return differs("body", expected, document)


def differs(name: str, expected: Any, got: Any) -> str:
    return f"{name}: expected {expected!r:.300}, got {got!r:.300}"
