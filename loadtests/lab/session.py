"""A lab run from its plan to its result, the document that schema.md describes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.lab import calibration, crossover, machine, runner, statistics, verdicts
from loadtests.lab.fleet import Cores
from loadtests.lab.locust_process import LocustProcess, locust
from loadtests.lab.progress import Progress
from loadtests.lab.scenarios import Section
from loadtests.lab.servers import MakesPools, Servers, StoredPools, serving
from loadtests.lab.targets import LabError, Target

SCHEMA = "hotpath.lab.result/2"
START_S = 3.0  # of a server, a first guess for the progress bar alone


@dataclass(frozen=True)
class Plan:
    """targets: by name, of all sections. settings: what result.json says of the choice.
    null_server: answers /bench/plaintext; None to leave the calibration out.
    work_us: times the crossover's unit of work, where that is measured.
    slo: the file of thresholds, if any."""

    sections: Sequence[Section]
    targets: Mapping[str, Target]
    pools: MakesPools
    settings: Mapping[str, Any]
    out: Path
    verify_requests: int
    verify_s: float
    cores: Cores | None = None
    null_server: Target | None = None
    work_us: Callable[[Sequence[float]], Mapping[str, float]] | None = None
    slo: Path | None = None


def carry_out(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Runs the plan, writes plan.out/result.json and returns it.

    Raises LabError where nothing could be measured. Ctrl-C during the load ends the run
    early: the result holds what is done.
    """
    pools = StoredPools(plan.pools, plan.out / "pools")
    (plan.out / "logs").mkdir(parents=True, exist_ok=True)
    outcome = runner.Outcome()
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "started_at": _now(),
        "settings": plan.settings,
        "machine": machine.describe(),
        "commit": machine.commit(),
        "engines": None,
        "calibration": None,
        "work_us": None,
    }
    try:
        _measure(plan, pools, outcome, result, progress)
    except KeyboardInterrupt:
        if not outcome.blocks:
            raise
        outcome.interrupted = True
        progress.step("interrupted: the servers are stopped, the finished blocks are kept")
    if not outcome.blocks:
        raise LabError(next(iter(outcome.voids.values()), "there is nothing to measure"))
    result |= asdict(outcome) | {"finished_at": _now(), "complete": not outcome.interrupted}
    statistics.summarise(result)
    crossover.fit(result)
    result["verdicts"] = []
    written = plan.out / "result.json"
    # Before the thresholds: one that names no cell must not cost the measurement.
    written.write_text(json.dumps(result) + "\n", encoding="utf-8")
    if plan.slo is not None:
        try:
            verdicts.judge(result, plan.slo)
        except LabError as error:
            kept = f"(the measurement is kept: hotpath lab report {plan.out})"
            raise LabError(f"{error} {kept}") from error
        written.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return result


def _measure(
    plan: Plan,
    pools: StoredPools,
    outcome: runner.Outcome,
    result: dict[str, Any],
    progress: Progress,
) -> None:
    levels = {c.work for section in plan.sections for c in section.cells if c.work is not None}
    if levels and plan.work_us is not None:
        progress.step("timing the kernel alone")
        result["work_us"] = plan.work_us(sorted(levels))
    seed = plan.settings["seed"]
    with ExitStack() as stack:
        servers = stack.enter_context(
            serving(
                Servers(
                    plan.targets,
                    pools,
                    plan.verify_requests,
                    plan.verify_s,
                    progress,
                    outcome.targets,
                )
            )
        )
        generator = stack.enter_context(_generator(plan, progress))
        if plan.null_server is not None:
            progress.step("calibrating the generator")
            result["calibration"] = _calibrate(plan.null_server, generator, pools, seed)
        measurement = runner.Measurement(servers, pools, generator, progress, outcome, seed)
        for number, section in enumerate(plan.sections):
            later = plan.sections[number + 1 :]
            if section.levels:
                section = section.at_saturation(outcome.saturation())
            measurement.later_s = sum(s.budget_s for s in later) + START_S * len(
                {name for s in later for name in s.targets()} - outcome.targets.keys()
            )
            servers.use(section, [name for s in later for name in s.targets()])
            if not outcome.blocks and servers.lost:
                raise LabError(next(iter(servers.lost.values())))
            if result["engines"] is None:
                result["engines"] = _engines([servers[name] for name in section.targets()])
            measurement.measure(section)


def calibrated(plan: Plan, progress: Progress) -> dict[str, Any]:
    """The generator's ceiling alone, without any measurement."""
    if plan.null_server is None:
        raise LabError("calibrate: needs the gateway, which answers faster than can be asked")
    (plan.out / "logs").mkdir(parents=True, exist_ok=True)
    pools = StoredPools(plan.pools, plan.out / "pools")
    with _generator(plan, progress) as generator:
        return _calibrate(plan.null_server, generator, pools, plan.settings["seed"])


def _generator(plan: Plan, progress: Progress) -> AbstractContextManager[LocustProcess]:
    cores = None if plan.cores is None else plan.cores.generator
    return locust(plan.out / "logs" / "locust.log", progress, cores)


def _calibrate(
    null_server: Target, generator: LocustProcess, pools: StoredPools, seed: int
) -> dict[str, Any]:
    try:
        null_server.start()
        _, pool = pools["plaintext", None, None]
        return calibration.ceiling(generator, null_server, pool, seed)
    finally:
        null_server.stop()


def _engines(targets: Sequence[Target]) -> Any:
    """What the service says of its engines and their builds; None without a service."""
    for target in targets:
        if target.facts["kind"] == "service" and target.is_up:
            status, _, content = target.ask("GET", "/v1/engines")
            if status != 200:
                raise LabError(target.describe(f"answered GET /v1/engines with status {status}"))
            return json.loads(content)
    return None


def read(directory: Path) -> dict[str, Any]:
    """The result of an earlier run. Raises LabError where there is none that can be read."""
    path = directory / "result.json"
    try:
        result: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: expected the result of a lab run ({error})") from error
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        found = result.get("schema") if isinstance(result, dict) else result
        raise LabError(f"{path}: schema: expected {SCHEMA!r}, got {found!r:.60}")
    return result


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
