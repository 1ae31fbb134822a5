"""Two results beside each other: what became slower, beyond the noise of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log
from typing import TypedDict

import numpy as np

from loadtests.lab.records import Block, Pairs, Result
from loadtests.lab.resampling import MIN_BLOCKS, Ratio, interval, percentile_ratio, resamples
from loadtests.lab.statistics import known, main_stream, per_core, throughput
from loadtests.lab.targets import LabError

TOLERANCE = 0.05
SHOWN = 5  # of the cells that only one result has
SCHEMA = "hotpath.lab.comparison/1"


class Change(TypedDict):
    """Of a cell's figure. change: "worse" or "better" where the whole interval lies beyond the
    tolerance and beyond the noise, "changed" where it only excludes 1 and the ratio exceeds the
    noise, else "same"."""

    cell: str
    metric: str
    ratio: float
    low: float | None
    high: float | None
    change: str


class Compared(TypedDict):
    """noise: the largest deviation from 1 that either run's twins allow, as a share; None without
        twins.
    differences: of machine, packages, settings. missing: cells that only one run has figures for.
    slower: whether anything got worse with certainty.
    """

    schema: str
    tolerance: float
    noise: float | None
    differences: list[str]
    missing: list[str]
    slower: bool
    cells: list[Change]


def compare(a: Result, b: Result, tolerance: float = TOLERANCE) -> Compared:
    """b by a, cell by cell.

    Raises: LabError where the schemas differ or no cell is common to both.
    """
    if a["schema"] != b["schema"]:
        raise LabError(f"schema: expected two alike, got {a['schema']} and {b['schema']}")
    noise = _noise(a, b)
    sound_a, sound_b = _sound(a), _sound(b)
    models = {cell["id"]: cell["model"] for cell in b["cells"]}
    rows: list[Change] = [
        {
            "cell": cell,
            "metric": metric,
            "ratio": ratio.value,
            "low": ratio.low,
            "high": ratio.high,
            "change": _change(metric, ratio, tolerance, noise),
        }
        for cell in sound_a
        if cell in sound_b
        for metric, ratio in _ratios(sound_a[cell], sound_b[cell], models[cell]).items()
    ]
    if not rows:
        raise LabError("no cell has figures in both results")
    return {
        "schema": SCHEMA,
        "tolerance": tolerance,
        "noise": noise,
        "differences": differences(a, b),
        "missing": sorted(sound_a.keys() ^ sound_b.keys()),
        "slower": any(row["change"] == "worse" for row in rows),
        "cells": rows,
    }


def differences(a: Result, b: Result) -> list[str]:
    """What besides the code may explain a ratio."""
    found = []
    groups = {"machine": (a["machine"], b["machine"]), "settings": (a["settings"], b["settings"])}
    for group, (one, other) in groups.items():
        for field in one.keys() | other.keys():
            before, after = one.get(field), other.get(field)
            if before != after and field not in ("load_average", "packages"):
                found.append(f"{group}: {field}: {before} and {after}")
    packages_a, packages_b = a["machine"]["packages"], b["machine"]["packages"]
    found += [
        f"package {name}: {packages_a.get(name)} and {packages_b.get(name)}"
        for name in packages_a.keys() | packages_b.keys()
        if packages_a.get(name) != packages_b.get(name)
    ]
    return sorted(found)


def print_table(comparison: Compared, *, everything: bool = False) -> None:
    """On stdout. everything: also what stayed the same."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from loadtests.lab.report.wording import figure, interval

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    for difference in comparison["differences"]:
        console.print(f"differs: {escape(difference)}", style="yellow")
    missing = comparison["missing"]
    for cell in missing if everything else missing[:SHOWN]:
        console.print(f"in one result only: {escape(cell)}", style="yellow")
    if len(missing) > SHOWN and not everything:
        console.print(f"in one result only: {len(missing) - SHOWN} more cells", style="yellow")
    noise = comparison["noise"]
    console.print(
        "noise of the twins: " + ("not known" if noise is None else f"{100 * noise:.1f} %")
    )
    table = Table("cell", "metric", "ratio", "95 %", "")
    for row in comparison["cells"]:
        if everything or row["change"] != "same":
            style = {"worse": "red", "better": "green"}.get(row["change"], "")
            table.add_row(
                escape(row["cell"]), row["metric"], figure(row["ratio"]), interval(row),
                row["change"], style=style,
            )  # fmt: skip
    if table.row_count:
        console.print(table)
    same = sum(row["change"] == "same" for row in comparison["cells"])
    console.print(f"{same} of {len(comparison['cells'])} figures are the same within the noise.")


def _sound(result: Result) -> dict[str, list[Block]]:
    blocks: dict[str, list[Block]] = {}
    for block in result["blocks"]:
        if block["cell"] not in result["voids"] and not block["void"]:
            blocks.setdefault(block["cell"], []).append(block)
    return blocks


def _noise(a: Result, b: Result) -> float | None:
    bounds = [
        bound
        for result in (a, b)
        for comparison in result["comparisons"]
        if comparison["section"] == "twins"
        and comparison["metric"] == "throughput_rps"
        and not result["targets"][comparison["numerator"]]["slowed"]
        for bound in (comparison["low"], comparison["high"])
        if bound is not None
    ]
    return max((exp(abs(log(bound))) - 1 for bound in bounds), default=None)


def _ratios(a: Sequence[Block], b: Sequence[Block], model: str) -> dict[str, Ratio]:
    """Of an open load the rate is the schedule's: its latency is what can change."""
    metrics: dict[str, Callable[[Block], float | None]] = {"per_core_rps": per_core}
    if model == "closed":
        metrics = {"throughput_rps": throughput} | metrics
    found = {}
    for metric, value in metrics.items():
        before, after = ([log(x) for x in known([value(block) for block in c])] for c in (a, b))
        if before and after:
            found[metric] = _ratio_of_means(before, after)
    has_io = "io" in a[0]["streams"]
    if model == "open" or has_io:
        low, high = ([_latency(block, has_io) for block in c] for c in (a, b))
        if (tail := percentile_ratio(high, low, 0.99, paired=False)) is not None:
            found["p99_ms"] = tail
    return found


def _latency(block: Block, has_io: bool) -> Pairs:
    return (block["streams"]["io"] if has_io else main_stream(block))["latency"]


def _ratio_of_means(before: Sequence[float], after: Sequence[float]) -> Ratio:
    """Of logarithms. Blocks of two runs are no pairs: each run is resampled by itself."""
    low, high, n = np.array(before), np.array(after), min(len(before), len(after))
    center = float(high.mean() - low.mean())
    if n < MIN_BLOCKS:
        return Ratio(exp(center))
    # Reversed, so that equal numbers of blocks do not draw the same places together.
    drawn = high[resamples(len(high))].mean(axis=1) - low[resamples(len(low))[::-1]].mean(axis=1)
    return Ratio(exp(center), *interval(center, drawn, n))


def _change(metric: str, ratio: Ratio, tolerance: float, noise: float | None) -> str:
    if ratio.low is None or ratio.high is None:
        return "same"
    # As if more were always better.
    low, high = (
        (1 / ratio.high, 1 / ratio.low) if metric.endswith("_ms") else (ratio.low, ratio.high)
    )
    allowed = max(tolerance, noise or 0.0)
    if high < 1 / (1 + allowed):
        return "worse"
    if low > 1 + allowed:
        return "better"
    if (high < 1 or low > 1) and abs(log(ratio.value)) > log(1 + (noise or 0.0)):
        return "changed"
    return "same"
