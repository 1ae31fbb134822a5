"""A stored run of the kernels, and the page of tables that is made from it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.bench.kernel import Benches
from loadtests.bench.kernels import SLICE_S, Samples
from loadtests.documents import commit_of, put_between
from loadtests.lab import machine
from service.offload.spec import EngineSpec

SCHEMA = "hotpath.bench.result/1"


def store(
    path: Path,
    samples: Sequence[Samples],
    engines: Sequence[EngineSpec],
    facts: Mapping[str, Any],
    seconds: float,
) -> None:
    """Writes the run with every slice's figure, the machine, the builds and the commit.

    facts: of the domain's options.
    """
    timed = {sample.contestant.implementation for sample in samples}
    run = {
        "schema": SCHEMA,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(engines),
        "commit": machine.commit(),
        "engines": [spec.status().model_dump() for spec in engines if spec.name in timed],
        "settings": {**facts, "seconds": seconds, "slice_s": SLICE_S},
        "rows": [sample.row() for sample in samples],
        "samples": [asdict(sample) for sample in samples],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")


def write(run_file: Path, page: Path, benches: Benches) -> None:
    """Replaces the tables between the page's markers. Raises: ValueError without markers, or
    where the file is not such a run."""
    run = json.loads(run_file.read_text(encoding="utf-8"))
    if run.get("schema") != SCHEMA:
        raise ValueError(f"{run_file}: schema: expected '{SCHEMA}', got '{run.get('schema')}'")
    for kernel in dict.fromkeys(row["kernel"] for row in run["rows"]):
        put_between(page, kernel, _table(run, kernel, benches))
    put_between(page, "run", _facts(run, run_file, page, benches))


def _table(run: dict[str, Any], kernel: str, benches: Benches) -> str:
    lines = [
        "| implementation | unit | threads | ns per unit | 95 % interval | times the yardstick |",
        "|---|---|---:|---:|---:|---:|",
    ]
    rows = [row for row in run["rows"] if row["kernel"] == kernel]
    yardsticks = {
        (peer.unit, peer.name) for peer in benches.named(kernel).peers if peer.is_yardstick
    }
    base = {r["unit"]: r for r in rows if (r["unit"], r["implementation"]) in yardsticks}
    for row in sorted(rows, key=lambda row: (row["unit"], row["threads"], row["ns_per_unit"])):
        yardstick = base.get(row["unit"])
        times = f"{_figure(yardstick['ns_per_unit'] / row['ns_per_unit'])} ×" if yardstick else ""
        lines.append(
            f"| {row['implementation']} | {row['unit']} | {row['threads']} "
            f"| {_figure(row['ns_per_unit'])} "
            f"| {_figure(row['ci_low'])} to {_figure(row['ci_high'])} | {times} |"
        )
    used = ", ".join(f"`{row['implementation']}` per {unit}" for unit, row in base.items())
    return "\n".join(lines) + (f"\n\nYardstick: {used}." if used else "")


def _figure(value: float) -> str:
    """Three significant digits."""
    return f"{float(f'{value:.3g}'):,.10g}"


def _facts(run: dict[str, Any], run_file: Path, page: Path, benches: Benches) -> str:
    found, settings = run["machine"], dict(run["settings"])
    counted = f"{settings.pop('seconds'):g} s counted for each row in slices of "
    counted += f"{settings.pop('slice_s')} s"
    raw = os.path.relpath(run_file.resolve(), page.resolve().parent)
    return (
        f"Run of {run['finished_at']}, {commit_of(run)}: {found['cpu']}, {found['cores']} cores, "
        f"{found['python']}; {', '.join(filter(None, (benches.options.said(settings), counted)))}. "
        f"Every slice: [{run_file.name}]({raw})."
    )
