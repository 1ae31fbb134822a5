"""Where a sidecar begins to pay."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from loadtests.lab.crossover import predict
from loadtests.lab.records import Crossover
from loadtests.lab.report import drawing
from loadtests.lab.report.charts import Datum
from loadtests.lab.report.document import Chapter, Chart, Part, Row, Table, Text
from loadtests.lab.report.drawing import SERIES, STAND_IN
from loadtests.lab.report.figures import Figures
from loadtests.lab.report.wording import figure, interval


def crossover(figures: Figures) -> Chapter | None:
    found = figures.result["crossover"]
    if not found:
        return None
    words = (
        "Batch size and work per item swept. The cost model (cost of a request = boundary + per "
        "byte × its body + per work × the time that one kernel alone takes for it) is fitted "
        "without the cells that are held out."
    )
    if found["held_out"]:
        worst = max(
            (cell["regret"] or 0.0 for cell in found["cells"] if cell["held_out"]), default=0
        )
        words += (
            f" Of {found['held_out']} held-out cells it names the winner in "
            f"{100 * (found['hit_rate'] or 0):.0f} %; following it costs {100 * worst:.0f} % at "
            "worst."
        )
        if found["certain"] < found["held_out"]:
            rate = found["certain_hit_rate"]
            words += (
                " None of them has a winner whose lead is certain."
                if rate is None
                else f" Only {found['certain']} of them have a winner whose lead is certain, of "
                f"which it names {100 * rate:.0f} %."
            )
    words += (
        " In the chart the pale cells have no certain winner; the dashed line is where the model "
        "expects it to change."
    )
    head = [
        ("target", ""), ("boundary", "µs/request"), ("per byte", "ns"), ("per work", "µs/µs"),
        ("error", "median, fitted"), ("error", "median, held out"), ("cells", "fitted"),
    ]  # fmt: skip
    rows = [
        Row(
            name,
            [
                *(
                    (figure(value), interval(model["intervals"][parameter]))
                    for parameter, value in (
                        ("boundary_us", model["boundary_us"]),
                        ("per_byte_ns", model["per_byte_ns"]),
                        ("per_work", model["per_work"]),
                    )
                ),
                (_percent(model["error"]), ""),
                (_percent(model["held_out_error"]), ""), (str(model["cells"]), ""),
            ],
        )
        for name, model in found["models"].items()
    ]  # fmt: skip
    parts: list[Part] = [
        Text(words),
        *_map(figures, found),
        Table(head, rows, "Cost models"),
    ]
    return Chapter("crossover", "Where a sidecar pays", parts)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _map(figures: Figures, found: Crossover) -> list[Chart]:
    """Which variant wins, by batch size and work per item, and where the models expect it."""
    cells = [(cell, winner) for cell in found["cells"] if (winner := cell["winner"]) is not None]
    if len(cells) < 2:
        return []
    items = sorted({cell["items"] for cell, _ in cells})
    works = sorted({cell["work_us"] / cell["items"] for cell, _ in cells})
    item_edges, work_edges = _edges(items), _edges(works)
    rows: list[Datum] = []
    for cell, winner in cells:
        i = items.index(cell["items"])
        j = works.index(cell["work_us"] / cell["items"])
        others = [us for name, us in cell["measured_us"].items() if name != winner]
        lead = min(others) / cell["measured_us"][winner] if others else 1.0
        rows.append({
            "winner": winner, "x": item_edges[i], "x2": item_edges[i + 1],
            "y": work_edges[j], "y2": work_edges[j + 1], "middle_x": cell["items"],
            "middle_y": works[j], "label": f"×{lead:.2f}",
            "held": "held out" if cell["held_out"] else "", "certain": cell["certain"],
            "tip": f"{cell['items']} items, {figure(works[j])} µs each: {winner}, "
                   f"{figure(lead)} times the next" + ("" if cell["certain"] else ", not certain")
                   + (", held out" if cell["held_out"] else ""),
        })  # fmt: skip
    edge = _edge(found, items, item_edges, work_edges)
    names = list(dict.fromkeys(name for cell, _ in cells for name in cell["measured_us"]))
    words = "Winner by batch size and work: " + "; ".join(row["tip"] for row in rows)

    def axis(title: str, edges: Sequence[float], values: Sequence[float]) -> dict[str, Any]:
        three_digits = "format(datum.value, '.3~g')"
        return {
            "title": title,
            "scale": alt.Scale(type="log", domain=[edges[0], edges[-1]], nice=False),
            "axis": alt.Axis(values=values, labelExpr=three_digits, grid=False),
        }

    def draw(width: int) -> alt.LayerChart:
        def x(field: str) -> alt.X:
            axis_of = axis("items per request, log axis", item_edges, items)
            return alt.X(shorthand=field, **axis_of)

        def y(field: str) -> alt.Y:
            axis_of = axis("µs of kernel per item, log axis", work_edges, works)
            return alt.Y(shorthand=field, **axis_of)

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
                x=x("x:Q"), x2="x2:Q", y=y("y:Q"), y2="y2:Q", color=color, opacity=opacity
            ),
            base.mark_text(fontSize=11.5, dy=-3).encode(
                x=x("middle_x:Q"), y=y("middle_y:Q"), text="label:N"
            ),
            base.mark_text(fontSize=9.5, dy=10, color=STAND_IN["muted"]).encode(
                x=x("middle_x:Q"), y=y("middle_y:Q"), text="held:N"
            ),
        ]
        if edge:
            layers.append(
                drawing.data(edge)
                .mark_line(color=STAND_IN["ink"], strokeWidth=2, strokeDash=[6, 4], clip=True)
                .encode(x=x("x:Q"), y=y("y:Q"), detail="pair:N", order="y:Q")
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


def _edge(
    found: Crossover,
    items: Sequence[int],
    item_edges: Sequence[float],
    work_edges: Sequence[float],
) -> list[Datum]:
    """Where the models' winner changes along the batch size, for many amounts of work."""
    bytes_of = {cell["items"]: cell["request_bytes"] for cell in found["cells"]}
    few, many, models = items[0], items[-1], found["models"]
    slope = (bytes_of[many] - bytes_of[few]) / (many - few) if many > few else 0.0

    def winner(count: float, work: float) -> str:
        size = bytes_of[few] + slope * (count - few)
        return min(models, key=lambda name: predict(models[name], size, work * count))

    def steps(edges: Sequence[float], count: int) -> list[float]:
        return [edges[0] * (edges[-1] / edges[0]) ** (k / count) for k in range(count + 1)]

    across = steps(item_edges, 160)
    rows: list[Datum] = []
    for work in steps(work_edges, 40):
        winners = [winner(count, work) for count in across]
        for place, (left, right) in enumerate(pairwise(winners)):
            if left != right:
                rows.append({
                    "x": (across[place] * across[place + 1]) ** 0.5, "y": work,
                    "pair": f"{left}, {right}", "tip": f"the models: {left} before, {right} after",
                })  # fmt: skip
    return rows
