"""Plans for the lab over fake servers: no engine, no domain. As a program, carries
one out and prints the outcome: fakes.py DIRECTORY ROUNDS MODE..."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.lab import progress, session
from loadtests.lab.bench_routes import DB
from loadtests.lab.plan import Plan
from loadtests.lab.requests import Kind, Pools
from loadtests.lab.scenario import Request, post
from loadtests.lab.sections import Cell, Section
from loadtests.lab.targets import Target
from service.offload.spec import EngineSpec
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
ENGINE = EngineSpec("fake", "json", ("inline",), "locust", "make fake")


def requests(kind: Kind, due: Sequence[Any] = HITS) -> list[Request]:
    """The fake servers' own, whatever is asked for. due: the expected hits."""
    if kind.scenario == DB.name:
        return DB.requests(None, 0, None)
    return [
        post("/v1/matches", json.loads(body), hits, expected)
        for body, expected in zip(BODIES, due, strict=True)
    ]


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


def plan(directory: Path, *sections: Section, due: Sequence[Any] = HITS) -> Plan:
    """Its targets are named after the modes of their servers."""
    directory.mkdir(parents=True, exist_ok=True)
    known = directory / "known.json"
    known.write_text(json.dumps(dict(zip(BODIES, HITS, strict=True))))
    modes = dict.fromkeys(name for section in sections for name in section.targets())
    return Plan(
        sections=sections,
        targets={
            mode: Target(
                name=mode,
                argv=(sys.executable, str(SERVER), "{port}", str(known), mode),
                log=directory / "logs" / f"{mode}.log",
                headers={"X-Engine": "fake"},
                server="fake",
                variant=mode,
            )
            for mode in modes
        },
        pools=Pools(partial(requests, due=due), "matches", directory / "pools"),
        settings=SETTINGS | {"variants": list(modes)},
        out=directory,
        verify_requests=4,
        verify_s=5.0,
        engines=(ENGINE,),
    )


if __name__ == "__main__":
    out, rounds, *modes = sys.argv[1:]
    long = replace(section(modes, int(rounds)), budget_s=600)
    with progress.of_stderr() as shown:
        result = session.carry_out(plan(Path(out), long), shown)
    print(json.dumps({key: result[key] for key in ("interrupted", "complete")}))
