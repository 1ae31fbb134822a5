"""The charts of the report, each from a result's figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from loadtests.lab.records import CellFacts, Comparison, Latency, Percentile, Spread
from loadtests.lab.report import drawing
from loadtests.lab.report.document import Chart
from loadtests.lab.report.drawing import SERIES
from loadtests.lab.report.figures import Figures
from loadtests.lab.report.wording import figure, interval, said

Datum = dict[str, Any]
"""What one mark is drawn from."""


def intervals(
    name: str, title: str, axis: str, rows: Sequence[Datum], one: str = ""
) -> list[Chart]:
    """No chart without rows, and none of a single figure: a table says that better."""
    if len(rows) < 2:
        return []
    words = f"{title}, {axis}: " + "; ".join(str(row["tip"]) for row in rows)
    return [Chart(name, title, words, lambda width: drawing.dots(rows, width, axis, one=one))]


def spread_datum(label: str, spread: Spread, unit: str) -> Datum:
    bounds = interval(spread)
    tip = f"{label}: {figure(spread['median'])} {unit}" + (f", 95 % {bounds}" if bounds else "")
    return {
        "label": label, "median": spread["median"], "low": spread["low"], "high": spread["high"],
        "value": figure(spread["median"]), "tip": tip,
    }  # fmt: skip


def ratio_datum(label: str, comparison: Comparison, series: str, place: int) -> Datum:
    return {
        "label": label, "median": comparison["ratio"], "low": comparison["low"],
        "high": comparison["high"], "value": figure(comparison["ratio"]), "series": series,
        "color": SERIES[place], "tip": f"{label}, {series}: {said(comparison)}",
    }  # fmt: skip


def percentile_datum(
    label: str, latency: Latency, name: Percentile, series: str, place: int
) -> Datum:
    low, high = latency["intervals"][name] or (None, None)
    bounds = interval(latency["intervals"][name])
    tip = f"{label}, {series}: {figure(latency[name])} ms" + (f", 95 % {bounds}" if bounds else "")
    return {
        "label": label, "median": latency[name], "low": low, "high": high,
        "value": figure(latency[name]), "series": series, "color": SERIES[place], "tip": tip,
    }  # fmt: skip


def latency_curves(figures: Figures, shown: Sequence[tuple[str, CellFacts]]) -> list[Chart]:
    rows: list[Datum] = []
    order = []
    for series, cell in shown:
        points = list(figures.curve(cell))
        if not points:
            continue
        order.append((series, figures.color(cell["target"])))
        rows += [
            {
                "series": series, "x": beyond, "y": ms, "low": None, "high": None,
                "tip": f"{series}: {100 * (1 - beyond):.4g} % within {figure(ms)} ms",
            }
            for beyond, ms in points
        ]  # fmt: skip
    if not rows:
        return []
    least = min(row["x"] for row in rows)
    ticks = [share for share in (0.5, 0.1, 0.01, 0.001, 0.0001, 0.00001) if share >= least]
    x = alt.X(
        "x:Q",
        title="percentile, on a log axis of those that take longer",
        scale=alt.Scale(type="log", domain=[0.9, least], reverse=False, nice=False),
        axis=alt.Axis(
            values=ticks, labelExpr="'p' + format(100 * (1 - datum.value), '~r')", grid=True
        ),
    )
    words = "Latency by percentile: " + "; ".join(
        f"{series} reaches {figure(max(r['y'] for r in rows if r['series'] == series))} ms"
        for series, _ in order
    )
    return [
        Chart("latency", "Latency by percentile, ms", words,
              lambda width: drawing.lines(rows, width, x, "ms, log axis", order))
    ]  # fmt: skip


def load_curves(figures: Figures, cells: Sequence[CellFacts]) -> list[Chart]:
    rows: list[Datum] = []
    for cell in cells:
        latency = figures.latency(cell)
        if latency is None or latency["p99"] is None:
            continue
        bounds = latency["intervals"]["p99"] or (None, None)
        said_bounds = interval(latency["intervals"]["p99"])
        rows.append({
            "series": cell["target"], "x": cell["rate_rps"], "y": latency["p99"],
            "low": bounds[0], "high": bounds[1],
            "tip": f"{cell['target']} at {figure(cell['rate_rps'])} requests/s: p99 "
                   f"{figure(latency['p99'])} ms{said_bounds and f', 95 % {said_bounds}'}",
        })  # fmt: skip
    if len(rows) < 2:
        return []
    names = list(dict.fromkeys(row["series"] for row in rows))
    order = [(name, figures.color(name)) for name in sorted(names, key=figures.is_gateway)]
    scale, ticks = drawing.log_scale([row["x"] for row in rows], 1.15, 1.15)
    x = alt.X(
        "x:Q", title="requests offered per second, log axis", scale=scale,
        axis=alt.Axis(values=ticks, labelExpr=drawing.SHORT_NUMBER, grid=True),
    )  # fmt: skip
    words = "p99 by load: " + "; ".join(row["tip"] for row in rows)
    return [
        Chart("load", "p99 by load, ms, from the intended start", words,
              lambda width: drawing.lines(rows, width, x, "p99, ms, log axis", order))
    ]  # fmt: skip
