"""A lab run from its plan to its result, the document that schema.md describes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from loadtests.lab import crossover, machine, statistics, verdicts
from loadtests.lab.bench_routes import PLAINTEXT
from loadtests.lab.domain import baselines
from loadtests.lab.locust_process import LocustProcess, locust
from loadtests.lab.plan import Plan
from loadtests.lab.progress import Progress
from loadtests.lab.records import Calibration, Result
from loadtests.lab.requests import Kind, Pools
from loadtests.lab.resampling import spread
from loadtests.lab.runner import Measurement, Outcome
from loadtests.lab.servers import Servers
from loadtests.lab.slices import Order, StreamOrder
from loadtests.lab.targets import LabError, Target

SCHEMA = "hotpath.lab.result/2"
START_S = 3.0  # of a server, a first guess for the progress bar alone
CALIBRATING_USERS, CALIBRATION_BLOCKS = 8, 5


def carry_out(plan: Plan, progress: Progress) -> Result:
    """Runs the plan, writes plan.out/result.json and returns it.

    Raises LabError where nothing could be measured. Ctrl-C during the load ends the run
    early: the result holds what is done.
    """
    outcome = Outcome()
    started_at, described, commit = _now(), machine.describe(plan.engines), machine.commit()
    servers = Servers(plan.targets, plan.pools, plan.verify_requests, plan.verify_s, progress)
    try:
        _measure(plan, servers, outcome, progress)
    except KeyboardInterrupt:
        if not outcome.blocks:
            raise
        outcome.interrupted = True
        progress.step("interrupted: the servers are stopped, the finished blocks are kept")
    if not outcome.blocks:
        raise LabError(next(iter(outcome.voids.values()), "there is nothing to measure"))
    raw: Result = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": plan.settings,
        "machine": described,
        "commit": commit,
        "engines": outcome.engines,
        "calibration": outcome.calibration,
        "work_us": outcome.work_us,
        "targets": servers.facts(),
        "cells": outcome.cells,
        "blocks": outcome.blocks,
        "voids": outcome.voids,
        "interrupted": outcome.interrupted,
        "finished_at": _now(),
        "complete": False,
        "summary": {},
        "comparisons": [],
        "crossover": None,
        "verdicts": [],
    }
    result = worked_out(raw, baselines(plan.engines))
    written = plan.out / "result.json"
    # Before the thresholds: one that names no cell must not cost the measurement.
    written.write_text(json.dumps(result) + "\n", encoding="utf-8")
    if plan.slo is not None:
        try:
            result = verdicts.judged(result, plan.slo)
        except LabError as error:
            kept = f"(the measurement is kept: hotpath lab report {plan.out})"
            raise LabError(f"{error} {kept}") from error
        written.write_text(json.dumps(result) + "\n", encoding="utf-8")
    return result


def worked_out(result: Result, baselines: Sequence[str]) -> Result:
    """With the figures that follow from its blocks."""
    summarised = statistics.summarised(result, baselines)
    return {**summarised, "crossover": crossover.fit(summarised)}


def _measure(plan: Plan, servers: Servers, outcome: Outcome, progress: Progress) -> None:
    levels = {c.work for section in plan.sections for c in section.cells if c.work is not None}
    if levels and plan.work_us is not None:
        progress.step("timing the kernel alone")
        outcome.work_us = plan.work_us(sorted(levels))
    seed = plan.settings["seed"]
    with closing(servers), _generator(plan, progress) as generator:
        if plan.null_server is not None:
            progress.step("calibrating the generator")
            outcome.calibration = _ceiling(plan.null_server, generator, plan.pools, seed)
        measurement = Measurement(servers, plan.pools, generator, progress, outcome, seed)
        for number, section in enumerate(plan.sections):
            later = plan.sections[number + 1 :]
            if section.levels:
                section = section.at_saturation(outcome.saturation())
            needed_later = list(dict.fromkeys(name for s in later for name in s.targets()))
            measurement.later_s = sum(s.budget_s for s in later) + START_S * len(
                set(needed_later) - servers.facts().keys()
            )
            servers.use(section, needed_later)
            if not outcome.blocks and servers.lost:
                raise LabError(next(iter(servers.lost.values())))
            if outcome.engines is None:
                outcome.engines = _engines([servers[name] for name in section.targets()])
            measurement.measure(section)


def calibrated(plan: Plan, progress: Progress) -> Calibration:
    """The generator's ceiling alone, without any measurement."""
    if plan.null_server is None:
        raise LabError("calibrate: needs the gateway, which answers faster than can be asked")
    with _generator(plan, progress) as generator:
        return _ceiling(plan.null_server, generator, plan.pools, plan.settings["seed"])


def _generator(plan: Plan, progress: Progress) -> AbstractContextManager[LocustProcess]:
    logs = plan.out / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    cores = None if plan.cores is None else plan.cores.generator
    return locust(logs / "locust.log", progress, cores)


def _ceiling(target: Target, generator: LocustProcess, pools: Pools, seed: int) -> Calibration:
    """What the generator can do against a server that does nothing, in the closed model."""
    pool = str(pools[Kind(PLAINTEXT.name)].path)
    measured = []
    try:
        target.start()
        for number in range(1, CALIBRATION_BLOCKS + 1):
            order = Order(
                id=f"calibration {number}",
                url=target.url,
                pid=target.pid,
                streams=[StreamOrder(name="main", pool=pool, users=CALIBRATING_USERS)],
                headers={},
                seed=seed + number,
                warmup_s=0.2,
                window_s=0.5,
                max_s=10.0,
            )
            figures = generator.load(order, timeout_s=40)
            if figures["faults"]:
                raise LabError(target.crashed() or f"calibration: {figures['faults'][0]}")
            measured.append((figures, figures["streams"]["main"]["completed"]))
    finally:
        target.stop()
    ceiling = spread([count / figures["window_s"] for figures, count in measured])
    assert ceiling is not None
    return {
        "ceiling_rps": ceiling,
        "cpu_us_per_request": median(
            1e6 * figures["generator_cpu_s"] / count for figures, count in measured
        ),
        "users": CALIBRATING_USERS,
        "blocks": [figures for figures, _ in measured],
    }


def _engines(targets: Sequence[Target]) -> Mapping[str, Any] | None:
    """What the service says of its engines and their builds; None without a service."""
    for target in targets:
        if target.kind == "service" and target.is_up:
            status, _, content = target.ask("GET", "/v1/engines")
            if status != 200:
                raise LabError(target.describe(f"answered GET /v1/engines with status {status}"))
            found: Mapping[str, Any] = json.loads(content)
            return found
    return None


def read(directory: Path) -> Result:
    """The result of an earlier run. Raises LabError where there is none that can be read."""
    path = directory / "result.json"
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: expected the result of a lab run ({error})") from error
    schema = found.get("schema") if isinstance(found, dict) else found
    if schema != SCHEMA:
        raise LabError(f"{path}: schema: expected {SCHEMA!r}, got {schema!r:.60}")
    result: Result = found
    return result


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
