"""The page of the ladder: the lab's figures for its sections `ladder` and `io`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.documents import commit_of, put_between
from loadtests.lab import session

NOT_KNOWN = "–"
PACKAGES = ("fastapi", "uvicorn", "uvloop", "granian", "hypercorn", "asyncpg")

Result = Mapping[str, Any]


def write(run: Path, page: Path) -> None:
    """run: the folder of a lab run. Raises: LabError without one, ValueError without markers, or
    where the run has no ladder."""
    result = session.read(run)
    if not any(cell["section"] == "ladder" for cell in result["cells"]):
        raise ValueError(f"{run}: expected a run with the section 'ladder'")
    for route in dict.fromkeys(c["scenario"] for c in result["cells"] if c["section"] == "ladder"):
        put_between(page, route, _rungs(result, route))
    put_between(page, "io", _io(result))
    raw = os.path.relpath((run / "result.json").resolve(), page.resolve().parent)
    put_between(page, "run", _facts(result, raw))


def _rungs(result: Result, route: str) -> str:
    rows = []
    for cell in result["cells"]:
        if (cell["section"], cell["scenario"]) != ("ladder", route):
            continue
        target, summary = result["targets"][cell["target"]], result["summary"][cell["id"]]
        name = f"{target['rung']}, {target['server']}" if target["rung"] else "Go gateway"
        figures = [
            _spread(summary.get("server") and summary["server"]["cpu_ms_per_request"], 1000),
            _spread(summary["throughput_rps"]),
            _ratio(result, cell, "per_core_rps"),
            _percentile(summary, "p50"),
            _ratio(result, cell, "p50_ms"),
            _spread(summary["generator_cpu_share"], 100, "%"),
        ]
        core = summary["per_core_rps"]
        rows.append((core["median"] if core else 0.0, f"| {name} | {' | '.join(figures)} |"))
    return "\n".join(
        [
            "| rung, server | CPU µs per request | requests/s | per core, by Go's | p50, ms "
            "| p50, by Go's | load generator's core |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *(row for _, row in sorted(rows, key=lambda row: -row[0])),
        ]
    )


def _io(result: Result) -> str:
    lines = [
        "| route | load | p50, ms | Go's p50, ms | p50, by Go's | per core, by Go's |",
        "|---|---|---:|---:|---:|---:|",
    ]
    cells = [cell for cell in result["cells"] if cell["section"] == "io"]
    gateways = {cell["scenario"]: cell for cell in cells if _is_gateway(result, cell)}
    for cell in cells:
        if cell not in gateways.values():
            own, gateway = (
                _percentile(result["summary"][c["id"]] if c else {}, "p50")
                for c in (cell, gateways.get(cell["scenario"]))
            )
            load = f"{cell['users']} users" if cell["users"] else f"{cell['rate_rps']:g} a second"
            lines.append(
                f"| {cell['scenario']} | {load} | {own} | {gateway} "
                f"| {_ratio(result, cell, 'p50_ms')} | {_ratio(result, cell, 'per_core_rps')} |"
            )
    return "\n".join(lines)


def _is_gateway(result: Result, cell: Mapping[str, Any]) -> bool:
    return bool(result["targets"][cell["target"]]["kind"] == "gateway")


def _ratio(result: Result, cell: Mapping[str, Any], metric: str) -> str:
    """By the gateway's, under the same load."""
    if _is_gateway(result, cell):
        return NOT_KNOWN if result["summary"][cell["id"]]["void"] else "1"
    for found in result["comparisons"]:
        if (
            (found["section"], found["scenario"]) == (cell["section"], cell["scenario"])
            and (found["numerator"], found["metric"]) == (cell["target"], metric)
            and result["targets"][found["denominator"]]["kind"] == "gateway"
        ):
            return _shown(found["ratio"], (found["low"], found["high"]))
    return NOT_KNOWN


def _spread(spread: Mapping[str, Any] | None, times: float = 1.0, unit: str = "") -> str:
    if not spread:
        return NOT_KNOWN
    return _shown(spread["median"], (spread["low"], spread["high"]), times, unit)


def _percentile(summary: Mapping[str, Any], name: str) -> str:
    latency = (summary.get("latency_ms") or {}).get("main")
    return _shown(latency[name], latency["intervals"][name]) if latency else NOT_KNOWN


def _shown(value: float | None, bounds: Any, times: float = 1.0, unit: str = "") -> str:
    if value is None:
        return NOT_KNOWN
    shown = _figure(times * value) + unit
    if not bounds or None in bounds:
        return shown
    return f"{shown} ({_figure(times * bounds[0])} to {_figure(times * bounds[1])})"


def _figure(value: float) -> str:
    """Three significant digits at least."""
    decimals = max(0, 3 - len(f"{abs(value):.0f}")) if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def _facts(result: Result, raw: str) -> str:
    found, settings = result["machine"], result["settings"]
    versions = ", ".join(f"{n} {found['packages'][n]}" for n in PACKAGES if n in found["packages"])
    cells = [cell for cell in result["cells"] if cell["section"] == "ladder"]
    users = max(cell["users"] for cell in cells)
    rounds = max(
        (result["summary"][cell["id"]]["throughput_rps"] or {"blocks": 0})["blocks"]
        for cell in cells
    )
    where = "a core of its own" if settings["pinned"] else "cores shared with the generator"
    return (
        f"Run of {result['finished_at']}, {commit_of(result)}: {found['cpu']}, {found['cores']} "
        f"cores, {found['python']}, {versions}; {settings['database']}. Each server on {where}, "
        f"{users} users, {rounds} rounds; 95 % intervals in brackets. "
        f"Every block: [result.json]({raw})."
    )
