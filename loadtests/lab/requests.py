"""The requests of a run, the same for every server, and whether an answer to one is right: asked
before any load, and for every request under load."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

from loadtests.lab.bench_routes import PLAINTEXT
from loadtests.lab.scenario import BYTES, Check, Draw, Judge, Lab, Request


class Kind(NamedTuple):
    """Of requests. items: of one; None where it has none. work: None for the usual level."""

    scenario: str
    items: int | None = None
    work: float | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """The requests of a kind, and the file that the generator reads them from."""

    requests: list[Request]
    path: Path

    @property
    def request_bytes(self) -> float:
        return sum(len((r["body"] or "").encode()) for r in self.requests) / len(self.requests)


class Pools:
    """By kind, each made when it is first needed.

    hot: the scenario that stands for the hot path.
    """

    def __init__(
        self, make: Callable[[Kind], list[Request]], hot: str | None, directory: Path
    ) -> None:
        self._make, self.hot, self._directory = make, hot, directory
        self._made: dict[Kind, Pool] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, kind: Kind) -> Pool:
        if kind not in self._made:
            path = self._directory / f"{'-'.join(str(part) for part in kind if part)}.json"
            pool = self._made[kind] = Pool(self._make(kind), path.resolve())
            path.write_text(json.dumps({"requests": pool.requests}), encoding="utf-8")
        return self._made[kind]


def drawn(lab: Lab, draw: Draw, kind: Kind) -> list[Request]:
    """The same for the same draw."""
    scenario = PLAINTEXT if kind.scenario == PLAINTEXT.name else lab.named(kind.scenario)
    return scenario.requests(draw, kind.items or 0, kind.work)


def read(path: Path) -> list[Request]:
    """Of a pool's file."""
    found: list[Request] = json.loads(path.read_text(encoding="utf-8"))["requests"]
    return found


def fault(
    check: Check,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    expected_headers: Mapping[str, str],
) -> str | None:
    """What is wrong with the answer, or None.

    headers: any mapping that ignores case. Numbers must be equal exactly: JSON carries a float64
    to the last bit.
    """
    if status != check["status"]:
        shown = content[:300].decode(errors="replace")
        return f"status: expected {check['status']}, got {status}: {shown}"
    if check["engine"]:
        for name, value in expected_headers.items():
            if headers.get(name) != value:
                return f"{name}: expected {value}, got {headers.get(name)}"
    expected = check["expected"]
    if check["kind"] == BYTES:
        right = content == expected.encode()
        return None if right else f"body: expected {expected!r}, got {content[:300]!r}"
    judged = judge(check["kind"])
    try:
        return judged(expected, json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        return f"body: expected an answer of this route, got {content[:300]!r} ({error!r})"


@cache
def judge(kind: str) -> Judge:
    found: Judge = resolve_name(kind)
    return found
