"""Plans for the lab over fake servers: no engine, no domain. As a program, carries
one out and prints the outcome: fakes.py DIRECTORY ROUNDS MODE..."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.lab import progress, session
from loadtests.lab.bench_routes import DB
from loadtests.lab.requests import Pool
from loadtests.lab.scenario import post
from loadtests.lab.scenarios import Cell, Section
from loadtests.lab.targets import Target
from tests.lab.fake_judge import hits

SERVER = Path(__file__).with_name("fake_server.py")
BODIES = [json.dumps({"names": [f"name {i}", "other"]}) for i in range(8)]
HITS = [[[[i, 1.0], [i + 10, 0.9123456789]], []] for i in range(8)]
SETTINGS: dict[str, Any] = {
    "profile": "test",
    "scenarios": ["matches"],
    "variants": [],
    "against": [],
    "seed": 1,
    "pinned": None,
    "database": "sqlite",
    "price_per_vcpu_hour": None,
}
FACTS = {
    "kind": "service",
    "server": "fake",
    "rung": None,
    "twin_of": None,
    "slowed": None,
}


class Pools:
    """The fake servers' own requests, whatever is asked for."""

    hot = "matches"

    def __init__(self, expected: Sequence[Any] = HITS) -> None:
        self.expected = expected

    def pool(self, scenario: str, *_: object) -> Pool:
        if scenario == DB.name:
            return Pool(DB.requests(None, 0, None))
        return Pool(
            [
                post("/v1/matches", json.loads(body), hits, expected)
                for body, expected in zip(BODIES, self.expected, strict=True)
            ]
        )


def section(modes: Sequence[str], rounds: int = 1, name: str = "engines") -> Section:
    return Section(
        name=name,
        cells=tuple(Cell(name, "matches", mode, items=2) for mode in modes),
        window_s=0.3,
        open_window_s=0.5,
        slice_s=0.1,
        min_rounds=rounds,
        max_rounds=rounds,
        budget_s=60,
        min_requests=2,
        max_s=10,
    )


def plan(directory: Path, *sections: Section, pools: Pools | None = None) -> session.Plan:
    """Its targets are named after the modes of their servers."""
    directory.mkdir(parents=True, exist_ok=True)
    known = directory / "known.json"
    known.write_text(json.dumps(dict(zip(BODIES, HITS, strict=True))))
    modes = dict.fromkeys(name for section in sections for name in section.targets())
    return session.Plan(
        sections=sections,
        targets={
            mode: Target(
                name=mode,
                argv=(sys.executable, str(SERVER), "{port}", str(known), mode),
                log=directory / "logs" / f"{mode}.log",
                headers={"X-Engine": "fake"},
                facts=FACTS | {"variant": mode},
            )
            for mode in modes
        },
        pools=pools or Pools(),
        settings=SETTINGS | {"variants": list(modes)},
        out=directory,
        verify_requests=4,
        verify_s=5.0,
    )


if __name__ == "__main__":
    out, rounds, *modes = sys.argv[1:]
    long = replace(section(modes, int(rounds)), budget_s=600)
    result = session.carry_out(plan(Path(out), long), progress.of_stderr())
    print(json.dumps({key: result[key] for key in ("interrupted", "complete")}))
