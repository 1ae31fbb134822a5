"""Plans for the lab over fake servers: no engine, no watchlist. As a program, carries
one out and prints the outcome: fakes.py DIRECTORY ROUNDS MODE..."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from loadtests.lab import progress, session
from loadtests.lab.scenarios import Profile, Scenario
from loadtests.lab.targets import Target
from loadtests.lab.workload import Workload

SERVER = Path(__file__).with_name("fake_server.py")
SCENARIO = Scenario(
    users=2, names=2, pool=8, warmup_s=0.1, window_s=0.5, min_requests=2, max_s=10.0
)


def plan(directory: Path, modes: list[str], rounds: int = 1, **scenario: float) -> session.Plan:
    workload = Workload(
        bodies=[json.dumps({"names": [f"name {i}", "other"]}) for i in range(8)],
        expected=[[[[i, 1.0], [i + 10, 0.9123456789]], []] for i in range(8)],
    )
    directory.mkdir(parents=True, exist_ok=True)
    known = directory / "known.json"
    workload.write(known)
    return session.Plan(
        targets=[
            Target(
                name=mode,
                argv=(sys.executable, str(SERVER), "{port}", str(known), mode),
                log=directory / "logs" / f"{mode}.log",
                headers={"X-Engine": "fake"},
            )
            for mode in modes
        ],
        profile=Profile(
            name="test",
            variants=None,
            rounds=rounds,
            scenario=replace(SCENARIO, **scenario),
            verify_requests=4,
            verify_s=5.0,
        ),
        workload=workload,
        watchlist={"source": "made up", "names": 18},
        baselines=modes[:1],
        out=directory,
    )


if __name__ == "__main__":
    result = session.carry_out(
        plan(Path(sys.argv[1]), sys.argv[3:], rounds=int(sys.argv[2])), progress.of_stderr()
    )
    print(json.dumps({key: result[key] for key in ("interrupted", "complete")}))
