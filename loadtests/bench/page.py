"""A stored run, and the page of tables that is made from it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.bench.kernels import SLICE_S, Samples
from loadtests.documents import put_between
from loadtests.lab import machine
from service.screening import watchlist

SCHEMA = "hotpath.bench.result/1"
YARDSTICK = {"pair": "rapidfuzz-cdist", "iban": "stdnum", "record": "hashlib"}


def store(
    path: Path,
    samples: Sequence[Samples],
    rows: Sequence[dict[str, Any]],
    directory: Path | None,
    cutoff: float,
    seconds: float,
) -> None:
    """Writes the run with every slice's figure, the machine and the commit."""
    found = watchlist.load(directory)
    run = {
        "schema": SCHEMA,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "commit": machine.commit(),
        "settings": {
            "cutoff": cutoff,
            "seconds": seconds,
            "slice_s": SLICE_S,
            "watchlist": {
                "source": found.source if directory is None else directory.name,
                "names": len(found.entries),
                "version": found.index.version,
            },
        },
        "rows": list(rows),
        "samples": [asdict(sample) for sample in samples],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=1) + "\n")


def write(run_file: Path, page: Path) -> None:
    """Replaces the tables between the page's markers. Raises: ValueError without markers."""
    run = json.loads(run_file.read_text())
    for kernel in dict.fromkeys(row["kernel"] for row in run["rows"]):
        put_between(page, kernel, _table(run, kernel))
    put_between(page, "run", _facts(run, run_file, page))


def _table(run: dict[str, Any], kernel: str) -> str:
    lines = [
        "| implementation | unit | threads | ns per unit | 95 % interval | times the yardstick |",
        "|---|---|---:|---:|---:|---:|",
    ]
    rows = [row for row in run["rows"] if row["kernel"] == kernel]
    base = {
        row["unit"]: row["ns_per_unit"]
        for row in rows
        if row["implementation"] == YARDSTICK[row["unit"]]
    }
    for row in sorted(rows, key=lambda row: (row["unit"], row["threads"], row["ns_per_unit"])):
        yardstick = base.get(row["unit"])
        ratio = f"{_figure(yardstick / row['ns_per_unit'])} ×" if yardstick else ""
        lines.append(
            f"| {row['implementation']} | {row['unit']} | {row['threads']} "
            f"| {_figure(row['ns_per_unit'])} "
            f"| {_figure(row['ci_low'])} to {_figure(row['ci_high'])} | {ratio} |"
        )
    used = ", ".join(f"`{YARDSTICK[unit]}` per {unit}" for unit in base)
    return "\n".join(lines) + (f"\n\nYardstick: {used}." if used else "")


def _figure(value: float) -> str:
    """Three significant digits."""
    return f"{float(f'{value:.3g}'):,.10g}"


def _facts(run: dict[str, Any], run_file: Path, page: Path) -> str:
    facts, settings = run["machine"], run["settings"]
    commit = run["commit"] or {}
    raw = os.path.relpath(run_file.resolve(), page.resolve().parent)
    return (
        f"Run of {run['finished_at']}, commit `{str(commit.get('hash', 'unknown'))[:12]}`"
        f"{' with uncommitted changes' if commit.get('dirty') else ''}: {facts['cpu']}, "
        f"{facts['cores']} cores, {facts['python']}; list {settings['watchlist']['source']} "
        f"({settings['watchlist']['names']:,} names), cutoff {settings['cutoff']}, "
        f"{settings['seconds']:g} s counted for each row in slices of {settings['slice_s']} s. "
        f"Every slice: [{run_file.name}]({raw})."
    )
