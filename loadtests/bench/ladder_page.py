"""The ladder's figures from a stored run, and the page that shows them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from loadtests.bench.ladder import AGAIN, GATEWAY, SERVICE
from loadtests.documents import put_between
from loadtests.lab.histogram import GROWTH
from loadtests.lab.resampling import mean_ratio, percentile_ratio

# Least ratio to the gateway, requests for each second of CPU time.
GOALS = {
    ("json", "model, uvicorn"): 0.18,
    ("json", "fast-lane, uvicorn"): 0.55,
    ("db", "fast-lane, uvicorn"): 0.40,
}
MIDDLEWARE_GOAL = 0.10  # of a request, at most
RATES_GOALS = {"p50": (0.50, 1.05), "p99": (0.99, 1.3)}  # times the gateway's, at most

Block = dict[str, Any]


def write(run_file: Path, page: Path) -> None:
    """Replaces what stands between the page's markers. Raises: ValueError without markers."""
    run = json.loads(run_file.read_text())
    for name, table in _tables(run).items():
        put_between(page, name, table)
    put_between(
        page, "run", _facts(run, os.path.relpath(run_file.resolve(), page.resolve().parent))
    )


def as_text(run_file: Path) -> str:
    return "\n\n".join(_tables(json.loads(run_file.read_text())).values())


def _tables(run: dict[str, Any]) -> dict[str, str]:
    return {
        "json": _throughput(run, "json"),
        "db": _throughput(run, "db"),
        "middleware": _middleware(run["blocks"]),
        "rates": _rates(run["rates"]),
    }


def _throughput(run: dict[str, Any], route: str) -> str:
    blocks = [block for block in run["blocks"] if block["route"] == route]
    names = [entry["name"] for entry in run["contestants"] if route in entry["routes"]]
    rows = []
    for name in names:
        mine = [block for block in blocks if block["target"] == name]
        ratio, interval = mean_ratio(_log_ratios(blocks, name, GATEWAY, _per_cpu_s))
        goal = GOALS.get((route, name))
        rows.append(
            (
                ratio,
                f"| {name} | {_median(mine, _us):.1f} | {_median(mine, _per_s):,.0f} "
                f"| {_median(mine, _busy):.0%} | {_median(mine, _generator):.0%} "
                f"| {ratio:.2f} | {_shown(interval)} | {_goal(ratio, interval, goal, 1)} |",
            )
        )
    lines = [row for _, row in sorted(rows, key=lambda row: -row[0])]
    return "\n".join(
        [
            "| server | CPU µs per request | requests/s | core in use | load generator's "
            "| ratio to the gateway | 95 % interval | goal |",
            "|---|---:|---:|---:|---:|---:|---:|---|",
            *lines,
        ]
    )


def _middleware(blocks: Sequence[Block]) -> str:
    json_blocks = [block for block in blocks if block["route"] == "json"]
    ratio, interval = mean_ratio(_log_ratios(json_blocks, "bare, uvicorn", SERVICE, _us))
    share = 1 - ratio
    bounds = None if interval is None else (1 - interval[1], 1 - interval[0])
    spread = "" if bounds is None else f" (95 % interval {bounds[0]:.1%} to {bounds[1]:.1%})"
    return (
        f"All middleware together takes {share:.1%}{spread} of the CPU time of a JSON request to a "
        f"FastAPI route. Goal: under {MIDDLEWARE_GOAL:.0%}, "
        f"{_goal(share, bounds, MIDDLEWARE_GOAL, -1).split(', ')[-1]}."
    )


def _rates(blocks: Sequence[Block]) -> str:
    histograms = {
        name: [_histogram(block["latency_us"]) for block in _by_round(blocks, name)]
        for name in (GATEWAY, SERVICE)
    }
    lines = [
        "| | gateway, ms | service, ms | ratio | 95 % interval | goal |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for label, (share, goal) in RATES_GOALS.items():
        found = percentile_ratio(histograms[SERVICE], histograms[GATEWAY], share)
        if found is None:
            lines.append(f"| {label} | | | too few requests | | |")
            continue
        ratio, interval = found
        gateway_ms, service_ms = (
            _nearest_rank(
                sorted(us for block in _by_round(blocks, name) for us in block["latency_us"]), share
            )
            for name in (GATEWAY, SERVICE)
        )
        lines.append(
            f"| {label} | {gateway_ms:.2f} | {service_ms:.2f} "
            f"| {ratio:.3f} | {_shown(interval, 3)} | {_goal(ratio, interval, goal, -1)} |"
        )
    return "\n".join(lines)


def _nearest_rank(sorted_us: Sequence[int], share: float) -> float:
    return sorted_us[math.ceil(share * len(sorted_us)) - 1] / 1000


def _histogram(latency_us: Sequence[int]) -> list[tuple[int, int]]:
    counts: dict[int, int] = {}
    for us in latency_us:
        bucket = math.floor(math.log(max(us, 1), GROWTH))
        counts[bucket] = counts.get(bucket, 0) + 1
    return sorted(counts.items())


def _by_round(blocks: Sequence[Block], name: str) -> list[Block]:
    return sorted((b for b in blocks if b["target"] == name), key=lambda block: block["round"])


def _log_ratios(
    blocks: Sequence[Block], name: str, yardstick: str, figure: Callable[[Block], float]
) -> list[float]:
    """Round by round: what the machine does in between cancels out."""
    mine, others = (
        {block["round"]: figure(block) for block in _by_round(blocks, which)}
        for which in (name, yardstick)
    )
    return [math.log(mine[number] / others[number]) for number in sorted(mine.keys() & others)]


def _per_s(block: Block) -> float:
    return float(block["requests"] / block["wall_s"])


def _per_cpu_s(block: Block) -> float:
    return float(block["requests"] / block["cpu_s"])


def _us(block: Block) -> float:
    return 1e6 / _per_cpu_s(block)


def _busy(block: Block) -> float:
    return float(block["cpu_s"] / block["wall_s"])


def _generator(block: Block) -> float:
    return float(block["generator_cpu_s"] / block["wall_s"])


def _median(blocks: Sequence[Block], figure: Callable[[Block], float]) -> float:
    return median(figure(block) for block in blocks)


def _shown(interval: tuple[float, float] | None, digits: int = 2) -> str:
    return "" if interval is None else f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def _goal(value: float, interval: tuple[float, float] | None, goal: float | None, sign: int) -> str:
    """sign: 1 where more is better."""
    if goal is None:
        return ""
    least = "at least" if sign > 0 else "at most"
    is_met = sign * (value - goal) >= 0
    is_clear = interval is not None and all(
        (sign * (bound - goal) >= 0) == is_met for bound in interval
    )
    verdict = "met" if is_met else "missed"
    return f"{least} {goal:g}, {verdict}{'' if is_clear else ' within the noise'}"


def _facts(run: dict[str, Any], raw: str) -> str:
    facts, settings, commit = run["machine"], run["settings"], run["commit"] or {}
    packages = facts["packages"]
    versions = ", ".join(
        f"{name} {packages[name]}"
        for name in ("fastapi", "uvicorn", "uvloop", "granian", "hypercorn", "asyncpg")
        if name in packages
    )
    again = [block for block in run["blocks"] if block["route"] == "json"]
    ratio, interval = mean_ratio(_log_ratios(again, AGAIN, GATEWAY, _per_cpu_s))
    where = "a core of its own" if settings["cores"] > 1 else "the only core, with the load"
    return (
        f"Run of {run['finished_at']}, commit `{str(commit.get('hash', 'unknown'))[:12]}`"
        f"{' with uncommitted changes' if commit.get('dirty') else ''}: {facts['cpu']}, "
        f"{facts['cores']} cores, {facts['python']}, {versions}. Each server on {where}, "
        f"{settings['connections']} connections, {settings['seconds']:g} s counted for each row in "
        f"blocks of {settings['block_s']:g} s. The gateway against itself, in two processes: "
        f"{ratio:.3f} ({_shown(interval, 3)}). Every block: [{Path(raw).name}]({raw})."
    )
