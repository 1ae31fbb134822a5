"""Thresholds of the user's slo.toml, judged by a result."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.lab.targets import LabError

LATENCIES = {"p50_ms": "p50", "p90_ms": "p90", "p99_ms": "p99", "p999_ms": "p999"}
METRICS = (*LATENCIES, "throughput_rps", "per_core_rps", "cpu_ms_per_request", "error_free")
KEYS = {"scenario", "target", "section", "items", "at_rps", "metric", "max", "min"}

Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Threshold:
    """section, items: needed where several cells would match. at_rps: section `load`: the
    lowest load at or above this many requests per second is judged.
    maximum, minimum: one of them, but neither for `error_free`."""

    scenario: str
    target: str
    metric: str
    section: str | None = None
    items: int | None = None
    at_rps: float | None = None
    maximum: float | None = None
    minimum: float | None = None

    @property
    def limit(self) -> str:
        if self.metric == "error_free":
            return "no fault"
        return f"at most {self.maximum:g}" if self.minimum is None else f"at least {self.minimum:g}"


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


def judge(result: dict[str, Any], path: Path) -> None:
    """Fills in `verdicts`; a missed threshold makes the result incomplete.

    Raises LabError where a threshold names no cell of this run, or more than one.
    """
    found = []
    for number, threshold in enumerate(read(path), 1):
        cell, reason = _cell(result, threshold, f"{path}: threshold {number}")
        value = None
        if cell is not None:
            value, reason = _value(result, cell, threshold.metric)
        found.append(
            {
                "scenario": threshold.scenario,
                "target": threshold.target,
                "section": threshold.section,
                "cell": cell and cell["id"],
                "metric": threshold.metric,
                "limit": threshold.limit,
                "value": value,
                "passed": reason is None and _holds(threshold, value),
                "reason": reason,
            }
        )
    result["verdicts"] = found
    if not all(verdict["passed"] for verdict in found):
        result["complete"] = False


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
    if limits != (0 if row["metric"] == "error_free" else 1):
        wanted = "neither max nor min" if row["metric"] == "error_free" else "one of max and min"
        raise LabError(f"{place}: {row['metric']}: expected {wanted}")
    return Threshold(
        scenario=row["scenario"],
        target=row["target"],
        metric=row["metric"],
        section=row.get("section"),
        items=row.get("items"),
        at_rps=row.get("at_rps"),
        maximum=row.get("max"),
        minimum=row.get("min"),
    )


def _cell(
    result: Mapping[str, Any], threshold: Threshold, place: str
) -> tuple[Cell | None, str | None]:
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
        reached = [cell for cell in mine if cell["rate_rps"] >= threshold.at_rps]
        mine = sorted(reached, key=lambda cell: float(cell["rate_rps"]))[:1]
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


def _value(result: Mapping[str, Any], cell: Cell, metric: str) -> tuple[float | None, str | None]:
    """The cell's figure, or why it has none."""
    summary = result["summary"][cell["id"]]
    if summary["void"]:
        return None, f"void: {summary['void']}"
    if not summary["requests"]:
        return None, "not measured"
    if metric == "error_free":
        return None, None
    if metric in LATENCIES:
        streams = summary["latency_ms"]
        latency = streams.get("io") or streams.get("main")
        value = latency and latency[LATENCIES[metric]]
        return value, None if value is not None else "too few requests for this percentile"
    if metric == "cpu_ms_per_request":
        spent = summary["cost_per_million"]
        return (spent["vcpu_hours"]["median"] * 3.6, None) if spent else (None, "not measured")
    spread = summary[metric]
    return (spread["median"], None) if spread else (None, "not measured")


def _holds(threshold: Threshold, value: float | None) -> bool:
    if threshold.metric == "error_free":
        return True
    assert value is not None
    if threshold.maximum is not None:
        return value <= threshold.maximum
    assert threshold.minimum is not None
    return value >= threshold.minimum
