"""A lab run from its plan to its result, the document that schema.md describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.lab import machine, runner
from loadtests.lab.progress import Progress
from loadtests.lab.scenarios import Profile
from loadtests.lab.statistics import summarise
from loadtests.lab.targets import LabError, Target
from loadtests.lab.workload import Workload

SCHEMA = "hotpath.lab.result/1"


@dataclass(frozen=True)
class Plan:
    """watchlist: what the report says of it: source and number of names.
    baselines: variants that throughput is compared with, each one of the targets."""

    targets: Sequence[Target]
    profile: Profile
    workload: Workload
    watchlist: dict[str, Any]
    baselines: Sequence[str]
    out: Path


def carry_out(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Runs the plan, writes plan.out/result.json and returns it.

    Raises LabError, with nothing measured, where a target does not start or answers
    wrongly. Ctrl-C during the load ends the run early: the result holds what is done.
    """
    profile, scenario = plan.profile, plan.profile.scenario
    logs = plan.out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    workload_file = logs / "workload.json"
    plan.workload.write(workload_file)
    variants = [target.name for target in plan.targets]
    outcome = runner.Outcome()
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "started_at": _now(),
        "settings": {
            "profile": profile.name,
            "rounds": profile.rounds,
            "model": "closed",
            "variants": variants,
            "baselines": list(plan.baselines),
            "watchlist": plan.watchlist,
            **asdict(scenario),
        },
        "machine": machine.describe(),
        "commit": machine.commit(),
    }
    with runner.running(
        plan.targets, plan.workload, profile.verify_requests, profile.verify_s, progress
    ) as outcome.targets:
        result["engines"] = engines(plan.targets[0])
        try:
            runner.measure(
                plan.targets, scenario, profile.rounds, workload_file, logs, progress, outcome
            )
        except KeyboardInterrupt:
            outcome.interrupted = True
            progress.step("interrupted: stopping the servers, keeping the finished blocks")
    planned = len(variants) * profile.rounds
    result |= asdict(outcome) | {
        "finished_at": _now(),
        "complete": not outcome.voids and len(outcome.blocks) == planned,
        "summary": summarise(
            variants, outcome.voids, outcome.blocks, scenario.names, plan.baselines
        ),
    }
    (plan.out / "result.json").write_text(json.dumps(result) + "\n")
    return result


def engines(target: Target) -> Any:
    """What the service says of its engines and their builds."""
    status, _, content = target.ask("GET", "/v1/engines")
    if status != 200:
        raise LabError(target.describe(f"answered GET /v1/engines with status {status}"))
    return json.loads(content)


def read(directory: Path) -> dict[str, Any]:
    """The result of an earlier run. Raises LabError where there is none that can be read."""
    path = directory / "result.json"
    try:
        result: Any = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: expected the result of a lab run ({error})") from error
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        found = result.get("schema") if isinstance(result, dict) else result
        raise LabError(f"{path}: schema: expected {SCHEMA!r}, got {found!r:.60}")
    return result


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
