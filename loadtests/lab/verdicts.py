"""Thresholds of the user's slo.toml, judged by a result."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.lab.records import CellFacts, Percentile, Result, Verdict
from loadtests.lab.targets import LabError

LATENCIES: Mapping[str, Percentile] = {
    "p50_ms": "p50", "p90_ms": "p90", "p99_ms": "p99", "p999_ms": "p999",
}  # fmt: skip
ERROR_FREE = "error_free"
METRICS = (*LATENCIES, "throughput_rps", "per_core_rps", "cpu_ms_per_request", ERROR_FREE)


@dataclass(frozen=True, slots=True)
class Threshold:
    """section, items: needed where several cells would match. at_rps: section `load`: the
    lowest load at or above this many requests per second is judged.
    max, min: one of them, but neither for `error_free`."""

    scenario: str
    target: str
    metric: str
    section: str | None = None
    items: int | None = None
    at_rps: float | None = None
    max: float | None = None
    min: float | None = None

    @property
    def limit(self) -> str:
        if self.metric == ERROR_FREE:
            return "no fault"
        return f"at most {self.max:g}" if self.min is None else f"at least {self.min:g}"

    def holds(self, value: float) -> bool:
        return value <= self.max if self.max is not None else value >= (self.min or 0.0)


KEYS = set(Threshold.__dataclass_fields__)


def read(path: Path) -> list[Threshold]:
    """Raises LabError that names the threshold, what was expected and what came."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: expected a file of thresholds ({error})") from error
    rows = content.get("threshold")
    if set(content) != {"threshold"} or not isinstance(rows, list) or not rows:
        raise LabError(f"{path}: expected [[threshold]] tables alone, got {', '.join(content)}")
    return [_threshold(row, f"{path}: threshold {n}") for n, row in enumerate(rows, 1)]


def judged(result: Result, path: Path) -> Result:
    """With its `verdicts`; a missed threshold makes it incomplete.

    Raises LabError where a threshold names no cell of this run, or more than one.
    """
    found = [
        _verdict(result, threshold, f"{path}: threshold {number}")
        for number, threshold in enumerate(read(path), 1)
    ]
    passed = all(verdict["passed"] for verdict in found)
    return {**result, "verdicts": found, "complete": result["complete"] and passed}


def _verdict(result: Result, threshold: Threshold, place: str) -> Verdict:
    cell, reason = _cell(result, threshold, place)
    value = None
    if cell is not None:
        value, reason = _value(result, cell, threshold.metric)
    return {
        "scenario": threshold.scenario,
        "target": threshold.target,
        "section": threshold.section,
        "cell": cell and cell["id"],
        "metric": threshold.metric,
        "limit": threshold.limit,
        "value": value,
        "passed": reason is None and (value is None or threshold.holds(value)),
        "reason": reason,
    }


def _threshold(row: Any, place: str) -> Threshold:
    if not isinstance(row, dict):
        raise LabError(f"{place}: expected a table, got {row!r}")
    if unknown := sorted(set(row) - KEYS):
        raise LabError(f"{place}: unknown key {unknown[0]!r}; choose of: {', '.join(sorted(KEYS))}")
    for key in ("scenario", "target", "metric"):
        if not isinstance(row.get(key), str):
            raise LabError(f"{place}: {key}: expected a name, got {row.get(key)!r}")
    if row["metric"] not in METRICS:
        raise LabError(
            f"{place}: unknown metric {row['metric']!r}; choose one of: {', '.join(METRICS)}"
        )
    for key in ("at_rps", "max", "min", "items"):
        value = row.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise LabError(f"{place}: {key}: expected a number above 0, got {value!r}")
    if not isinstance(row.get("section", ""), str):
        raise LabError(f"{place}: section: expected a name, got {row['section']!r}")
    limits = len({"max", "min"} & set(row))
    if limits != (0 if row["metric"] == ERROR_FREE else 1):
        wanted = "neither max nor min" if row["metric"] == ERROR_FREE else "one of max and min"
        raise LabError(f"{place}: {row['metric']}: expected {wanted}")
    return Threshold(**row)


def _cell(result: Result, threshold: Threshold, place: str) -> tuple[CellFacts | None, str | None]:
    """The cell that is meant, or why there is none although there could be one."""
    mine = [
        cell
        for cell in result["cells"]
        if cell["scenario"] == threshold.scenario
        and cell["target"] == threshold.target
        and threshold.section in (None, cell["section"])
        and threshold.items in (None, cell["items"])
        # Of `mixed` the cell without the hot path is only there to compare with.
        and not (cell["section"] == "mixed" and cell["users"] == 0)
        and (threshold.at_rps is None or cell["rate_rps"] is not None)
    ]
    if threshold.at_rps is not None and mine:
        reached = [(rate, c) for c in mine if (rate := c["rate_rps"] or 0.0) >= threshold.at_rps]
        mine = [cell for _, cell in sorted(reached, key=lambda pair: pair[0])[:1]]
        if not mine:
            return None, f"no load of {threshold.at_rps:g} requests/s or more was measured"
    if len(mine) == 1:
        return mine[0], None
    if not mine:
        there = sorted({f"{c['section']}/{c['scenario']}/{c['target']}" for c in result["cells"]})
        raise LabError(
            f"{place}: no cell of {threshold.scenario!r} and {threshold.target!r}"
            + (f" in section {threshold.section!r}" if threshold.section else "")
            + f"; measured: {', '.join(there)}"
        )
    ids = ", ".join(cell["id"] for cell in mine)
    raise LabError(f"{place}: several cells match; add section, items or at_rps: {ids}")


def _value(result: Result, cell: CellFacts, metric: str) -> tuple[float | None, str | None]:
    """The cell's figure, or why it has none."""
    summary = result["summary"][cell["id"]]
    if summary["void"]:
        return None, f"void: {summary['void']}"
    if not summary["requests"]:
        return None, "not measured"
    if metric == ERROR_FREE:
        return None, None
    if metric in LATENCIES:
        streams = summary["latency_ms"]
        latency = streams.get("io") or streams.get("main")
        value = latency and latency[LATENCIES[metric]]
        return value, None if value is not None else "too few requests for this percentile"
    if metric == "cpu_ms_per_request":
        spent = summary["cost_per_million"]
        return (spent["vcpu_hours"]["median"] * 3.6, None) if spent else (None, "not measured")
    spread = summary["per_core_rps" if metric == "per_core_rps" else "throughput_rps"]
    return (spread["median"], None) if spread else (None, "not measured")
