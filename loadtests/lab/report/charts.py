"""The charts of the report, each from a result's figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from loadtests.lab import crossover
from loadtests.lab.report import drawing
from loadtests.lab.report.document import Chart
from loadtests.lab.report.drawing import SERIES, STAND_IN
from loadtests.lab.report.figures import Cell, Figures
from loadtests.lab.report.wording import figure, interval, said

Row = dict[str, Any]


def intervals(name: str, title: str, axis: str, rows: Sequence[Row], one: str = "") -> list[Chart]:
    """No chart without rows, and none of a single figure: a table says that better."""
    if len(rows) < 2:
        return []
    words = f"{title}, {axis}: " + "; ".join(str(row["tip"]) for row in rows)
    return [Chart(name, title, words, lambda width: drawing.dots(rows, width, axis, one=one))]


def spread_row(label: str, spread: Any, unit: str) -> Row:
    bounds = interval(spread)
    tip = f"{label}: {figure(spread['median'])} {unit}" + (f", 95 % {bounds}" if bounds else "")
    return {
        "label": label, "median": spread["median"], "low": spread["low"], "high": spread["high"],
        "value": figure(spread["median"]), "tip": tip,
    }  # fmt: skip


def ratio_row(label: str, comparison: Any, series: str, place: int) -> Row:
    return {
        "label": label, "median": comparison["ratio"], "low": comparison["low"],
        "high": comparison["high"], "value": figure(comparison["ratio"]), "series": series,
        "color": SERIES[place], "tip": f"{label}, {series}: {said(comparison)}",
    }  # fmt: skip


def percentile_row(label: str, latency: Any, name: str, series: str, place: int) -> Row:
    low, high = latency["intervals"][name] or (None, None)
    bounds = interval(latency["intervals"][name])
    tip = f"{label}, {series}: {figure(latency[name])} ms" + (f", 95 % {bounds}" if bounds else "")
    return {
        "label": label, "median": latency[name], "low": low, "high": high,
        "value": figure(latency[name]), "series": series, "color": SERIES[place], "tip": tip,
    }  # fmt: skip


def latency_curves(figures: Figures, shown: Sequence[tuple[str, Cell]]) -> list[Chart]:
    rows: list[Row] = []
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


def load_curves(figures: Figures, cells: Sequence[Cell]) -> list[Chart]:
    rows = []
    for cell in cells:
        latency = figures.summary(cell)["latency_ms"].get("main")
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


def crossover_map(figures: Figures) -> list[Chart]:
    """Which variant wins, by batch size and work per item, and where the models expect it."""
    found = figures.result["crossover"]
    loads = [load for load in found["cells"] if load["winner"] is not None]
    if len(loads) < 2:
        return []
    items = sorted({load["items"] for load in loads})
    works = sorted({load["work_us"] / load["items"] for load in loads})
    item_edges, work_edges = _edges(items), _edges(works)
    rows = []
    for load in loads:
        i = items.index(load["items"])
        j = works.index(load["work_us"] / load["items"])
        others = [us for name, us in load["measured_us"].items() if name != load["winner"]]
        lead = min(others) / load["measured_us"][load["winner"]] if others else 1.0
        rows.append({
            "winner": load["winner"], "x": item_edges[i], "x2": item_edges[i + 1],
            "y": work_edges[j], "y2": work_edges[j + 1], "middle_x": load["items"],
            "middle_y": works[j], "label": f"×{lead:.2f}",
            "held": "held out" if load["held_out"] else "", "certain": load["certain"],
            "tip": f"{load['items']} items, {figure(works[j])} µs each: {load['winner']}, "
                   f"{figure(lead)} times the next" + ("" if load["certain"] else ", not certain")
                   + (", held out" if load["held_out"] else ""),
        })  # fmt: skip
    edge = _boundaries(found, items, item_edges, work_edges)
    names = list(dict.fromkeys(name for load in loads for name in load["measured_us"]))
    words = "Winner by batch size and work: " + "; ".join(row["tip"] for row in rows)

    three_digits = "format(datum.value, '.3~g')"

    def draw(width: int) -> alt.LayerChart:
        def axis(field: str, title: str, edges: list[float], values: list[float]) -> dict[str, Any]:
            scale = alt.Scale(type="log", domain=[edges[0], edges[-1]], nice=False)
            return {
                "title": title, "scale": scale,
                "axis": alt.Axis(values=values, labelExpr=three_digits, grid=False),
                "shorthand": f"{field}:Q",
            }  # fmt: skip

        def x(field: str) -> alt.X:
            return alt.X(**axis(field, "items per request, log axis", item_edges, items))

        def y(field: str) -> alt.Y:
            return alt.Y(**axis(field, "µs of kernel per item, log axis", work_edges, works))

        color = alt.Color(
            "winner:N",
            scale=alt.Scale(domain=names, range=[SERIES[figures.color(n)] for n in names]),
            legend=alt.Legend(title=None, orient="top", symbolOpacity=0.5),
        )
        opacity = alt.Opacity(
            "certain:N", scale=alt.Scale(domain=[True, False], range=[0.55, 0.16]), legend=None
        )
        base = drawing.data(rows)
        layers = [
            base.mark_rect(stroke=STAND_IN["paper"], strokeWidth=2).encode(
                x=x("x"), x2="x2:Q", y=y("y"), y2="y2:Q", color=color, opacity=opacity
            ),
            base.mark_text(fontSize=11.5, dy=-3).encode(
                x=x("middle_x"), y=y("middle_y"), text="label:N"
            ),
            base.mark_text(fontSize=9.5, dy=10, color=STAND_IN["muted"]).encode(
                x=x("middle_x"), y=y("middle_y"), text="held:N"
            ),
        ]
        if edge:
            layers.append(
                drawing.data(edge)
                .mark_line(color=STAND_IN["ink"], strokeWidth=2, strokeDash=[6, 4], clip=True)
                .encode(x=x("x"), y=y("y"), detail="pair:N", order="y:Q")
            )
        height = 70 * len(works) + 30
        return drawing.finish(alt.layer(*layers).properties(width=width - 64, height=height))

    return [Chart("crossover", "Which variant wins, and by what factor over the next", words, draw)]


def _edges(values: Sequence[float]) -> list[float]:
    """Halfway between neighbours on a log axis, and as far beyond the first and the last."""
    middles = [(a * b) ** 0.5 for a, b in pairwise(values)]
    if not middles:
        return [values[0] / 2, values[0] * 2]
    return [values[0] ** 2 / middles[0], *middles, values[-1] ** 2 / middles[-1]]


def _boundaries(
    found: Any, items: Sequence[int], item_edges: list[float], work_edges: list[float]
) -> list[Row]:
    """Where the models' winner changes along the batch size, for many amounts of work."""
    bytes_of = {load["items"]: load["request_bytes"] for load in found["cells"]}
    few, many = items[0], items[-1]
    models: dict[str, Any] = found["models"]
    slope = (bytes_of[many] - bytes_of[few]) / (many - few) if many > few else 0.0

    def winner(count: float, work: float) -> str:
        load = {
            "request_bytes": bytes_of[few] + slope * (count - few),
            "work_us": work * count,
        }
        return min(models, key=lambda name: crossover.predict(models[name], load))

    steps = 160
    across = [
        item_edges[0] * (item_edges[-1] / item_edges[0]) ** (k / steps) for k in range(steps + 1)
    ]
    rows = []
    for k in range(41):
        work = work_edges[0] * (work_edges[-1] / work_edges[0]) ** (k / 40)
        winners = [winner(count, work) for count in across]
        for place, (left, right) in enumerate(pairwise(winners)):
            if left != right:
                rows.append({
                    "x": (across[place] * across[place + 1]) ** 0.5, "y": work,
                    "pair": f"{left}, {right}", "tip": f"the models: {left} before, {right} after",
                })  # fmt: skip
    return rows
