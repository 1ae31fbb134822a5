"""A run of the lab: start and verify every target, then load them block by block."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.lab import answers
from loadtests.lab.progress import Progress
from loadtests.lab.scenarios import Scenario
from loadtests.lab.targets import LabError, Target
from loadtests.lab.workload import Workload

PACKAGE = Path(__file__).parents[1]
LOCUST_OVERHEAD_S = 4.0  # a first guess of a block's start and end, for the progress bar alone


@dataclass
class Outcome:
    """What a run yielded, complete or not; see schema.md.

    voids: variants whose figures must not be used, and why.
    """

    targets: list[dict[str, Any]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    voids: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


@contextmanager
def running(
    targets: Sequence[Target], workload: Workload, requests: int, seconds: float, progress: Progress
) -> Iterator[list[dict[str, Any]]]:
    """Starts and verifies all targets, yields what that found, and stops them all.

    As many are started at once as there are cores; nothing is measured yet.
    Raises LabError for the first, in their order, that does not start or answers wrongly.
    """

    def prepare(target: Target) -> dict[str, Any]:
        # Where a directory lies on this machine says nothing elsewhere: its name is kept.
        settings = {name: text.rpartition(os.sep)[2] for name, text in target.env.items()}
        facts: dict[str, Any] = {"variant": target.name, "environment": settings}
        facts["startup_s"] = target.start()
        facts["verification"] = verify(target, workload, requests, seconds)
        progress.step(f"{target.name} is up and verified")
        return facts

    starters = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        yield list(starters.map(prepare, targets))
    finally:
        with uninterrupted():
            # Stopping the targets is what ends a starter that still waits for one; the
            # second pass is for a server that a starter began in between.
            for wait in (False, True):
                starters.shutdown(wait=wait, cancel_futures=True)
                for target in targets:
                    target.terminate()
                for target in targets:
                    target.stop()


def verify(target: Target, workload: Workload, requests: int, seconds: float) -> dict[str, int]:
    """Compares answers with the expected hits before any load; counts what was compared."""
    started = time.monotonic()
    done = 0
    for body, expected in list(zip(workload.bodies, workload.expected, strict=True))[:requests]:
        if done >= 2 and time.monotonic() - started > seconds:
            break
        try:
            status, headers, content = target.ask("POST", "/v1/matches", body)
        except (OSError, http.client.HTTPException) as error:
            raise LabError(target.crashed() or f"{target.name}: no answer: {error!r}") from error
        fault = answers.fault(status, headers, content, target.headers, expected)
        if fault is not None:
            raise LabError(target.describe(f"failed the verification: {fault}"))
        done += 1
    hits = sum(len(name) for expected in workload.expected[:done] for name in expected)
    return {"requests": done, "hits": hits}


def measure(
    targets: Sequence[Target],
    scenario: Scenario,
    rounds: int,
    workload: Path,
    logs: Path,
    progress: Progress,
    outcome: Outcome,
) -> None:
    """Fills in the outcome, block by block: each round visits every sound target once,
    in a seeded random order, and only one target is under load at a time."""
    dice = random.Random(scenario.seed)
    block_s = {t.name: scenario.warmup_s + scenario.window_s + LOCUST_OVERHEAD_S for t in targets}
    for round_ in range(1, rounds + 1):
        order = dice.sample(targets, k=len(targets))
        for position, target in enumerate(order, 1):
            if target.name in outcome.voids:
                continue
            left = [t for t in order[position - 1 :] if t.name not in outcome.voids]
            remaining_s = sum(block_s[t.name] for t in left) + (rounds - round_) * sum(
                block_s[t.name] for t in targets if t.name not in outcome.voids
            )
            progress.block(f"round {round_}/{rounds}: {target.name}", remaining_s)
            started = time.monotonic()
            place = {"variant": target.name, "round": round_, "position": position}
            place["started_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
            try:
                # Every round has its own stretch of the pool, the same for all variants.
                first = (round_ - 1) * scenario.pool // rounds
                figures = load(target, scenario, workload, first, logs, round_, progress)
            except LabError as error:
                outcome.voids[target.name] = str(error)
                progress.step(f"VOID {error}")
            else:
                outcome.blocks.append(place | figures)
                if figures["faults"]:
                    reason = target.crashed() or figures["faults"][0]
                    outcome.voids[target.name] = reason
                    progress.step(f"VOID {target.name}: {reason}")
                block_s[target.name] = time.monotonic() - started


def load(
    target: Target,
    scenario: Scenario,
    workload: Path,
    first: int,
    logs: Path,
    round_: int,
    progress: Progress,
) -> dict[str, Any]:
    """One block: a fresh Locust process on one target. Returns its figures."""
    stem = logs / f"locust-{target.name}-{round_}"
    output = stem.with_suffix(".json")
    output.unlink(missing_ok=True)
    settings = asdict(scenario) | {
        "first": first,
        "headers": dict(target.headers),
        "pid": target.pid,
        "workload": str(workload.resolve()),
        "output": str(output.resolve()),
    }
    stem.with_suffix(".settings.json").write_text(json.dumps(settings))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
    environment["HOTPATH_LAB_BLOCK"] = str(stem.with_suffix(".settings.json").resolve())
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH")))
    )
    users = str(scenario.users)
    command = [sys.executable, "-m", "locust", "-f", str(PACKAGE / "locustfile.py"), "--headless"]
    command += ["-u", users, "-r", users, "--host", target.url, "--only-summary"]
    timeout_s = scenario.warmup_s + 3 * scenario.max_s + 60
    log = stem.with_suffix(".log")
    with log.open("wb") as stream:
        # A session of its own: on Ctrl-C it is the lab that ends it.
        process = subprocess.Popen(
            command,
            cwd=logs,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + timeout_s
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
                progress.tick()
        finally:
            with uninterrupted():
                if process.poll() is None:
                    process.kill()
                process.wait()
    target.note_descendants()
    if not output.exists():
        tail = log.read_text(errors="replace")[-2000:]
        raise LabError(
            target.crashed() or f"{target.name}: Locust left no figures; the end of {log}:\n{tail}"
        )
    figures: dict[str, Any] = json.loads(output.read_text())
    return figures


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Cleaning up must not be cut short by a second Ctrl-C."""
    before = {
        number: signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
