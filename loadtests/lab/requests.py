"""The requests of a run, and what must come back: seeded, and the same for every server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from loadtests.lab.bench_routes import PLAINTEXT
from loadtests.lab.scenario import Draw, Lab, Request


@dataclass(frozen=True, slots=True)
class Pool:
    requests: list[Request]

    @property
    def request_bytes(self) -> float:
        sizes = [len((request["body"] or "").encode()) for request in self.requests]
        return sum(sizes) / len(sizes)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"requests": self.requests}), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Pools:
    """Makes the pool of each kind of load; the same for the same draw."""

    lab: Lab
    draw: Draw

    @property
    def hot(self) -> str:
        """The scenario that stands for the hot path."""
        return self.lab.hot()[0].name

    def pool(self, scenario: str, items: int | None, work: float | None) -> Pool:
        """items: of a request; None where it has none. work: None for the usual level."""
        found = PLAINTEXT if scenario == PLAINTEXT.name else self.lab.named(scenario)
        return Pool(found.requests(self.draw, items or 0, work))
