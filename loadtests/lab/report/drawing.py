"""Charts as static SVG: no script, no network, sharp in print, at two widths.

Colours are drawn as stand-ins and replaced in the finished SVG: by CSS variables in
the HTML report, where they follow light and dark, and by plain colours in files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

import altair as alt
import vl_convert

from loadtests.lab.report.document import Chart

# fmt: off
COLORS = {  # name: stand-in, light, dark
    "ink":    ("#111101", "#1c2126", "#e8ecef"),
    "muted":  ("#111102", "#5d6873", "#9aa6b1"),
    "grid":   ("#111103", "#e3e7eb", "#30383f"),
    "strong": ("#111104", "#0b6e75", "#4fbcc2"),
    "soft":   ("#111105", "#a5d3d5", "#24575b"),
    "paper":  ("#111106", "#ffffff", "#14181b"),
    "go":     ("#111107", "#6b7580", "#a9b4be"),
    "one":    ("#111108", "#0b6e75", "#4fbcc2"),
    "two":    ("#111109", "#c9672b", "#ef9a5c"),
    "three":  ("#111110", "#6450b0", "#a697ee"),
    "four":   ("#111112", "#94761b", "#dcc05e"),
    "five":   ("#111113", "#b03a75", "#ec8abb"),
}
# fmt: on
STAND_IN = {name: colors[0] for name, colors in COLORS.items()}
SERIES = [STAND_IN[name] for name in ("go", "one", "two", "three", "four", "five")]
SHAPES = ["circle", "circle", "square", "triangle-up", "diamond", "cross"]
DASHES = [[2, 3], [1, 0], [7, 3], [4, 2], [10, 3, 2, 3], [1, 2]]
LIGHT = {stand_in: light for stand_in, light, _ in COLORS.values()}
DARK = {stand_in: dark for stand_in, _, dark in COLORS.values()}
CSS = {stand_in: f"var(--{name})" for name, (stand_in, _, _) in COLORS.items()}
WIDE, NARROW = 900, 370
ROW_HEIGHT = 26
CHARACTER = 7.3  # how wide one is at the axis
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
SHORT_NUMBER = (
    "datum.value >= 1000 ? format(datum.value / 1000, '~g') + 'k' : format(datum.value, '~g')"
)

Rows = Sequence[dict[str, Any]]


def variables(theme: int) -> str:
    """The palette as CSS; theme: 1 light, 2 dark."""
    return " ".join(f"--{name}: {colors[theme]};" for name, colors in COLORS.items())


def drawn(chart: Chart, width: int) -> str:
    """The SVG, in stand-in colours. Each mark's description becomes a <title>, which browsers
    show as a tooltip; the chart's words describe the whole to those who cannot see it."""
    text: str = vl_convert.vegalite_to_svg(chart.draw(width).to_json(validate=False))
    text = re.sub(r"<svg ", f'<svg role="img" aria-label="{escape(chart.words)}" ', text, count=1)
    return re.sub(
        r'(<(path|line) aria-label="([^"]+)"[^>]*)(?:/>|></\2>)', r"\1><title>\3</title></\2>", text
    )


def colored(svg: str, colors: dict[str, str]) -> str:
    return re.sub(r"#1111\d\d", lambda stand_in: colors[stand_in[0]], svg)


def data(rows: Rows) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(rows))).encode(description=alt.Description("tip:N"))


def log_scale(
    values: Sequence[float], low: float = 1.0, high: float = 1.0
) -> tuple[Any, list[float]]:
    """Scale and ticks. low, high: factors of the range that are left free at its ends."""
    bottom, top = min(values) / low, max(values) * high
    if top < 3 * bottom:  # an axis with one tick tells nothing
        middle = (top * bottom) ** 0.5
        bottom, top = min(bottom, middle / 1.8), max(top, middle * 1.8)
    steps = (1,) if top / bottom > 200 else (1, 2, 5)
    ticks = [
        step * 10.0**k for k in range(floor(log10(bottom)), ceil(log10(top)) + 1) for step in steps
    ]
    scale = alt.Scale(type="log", domain=[bottom, top], nice=False)
    return scale, [tick for tick in ticks if bottom <= tick <= max(values) * 1.3]


def dots(rows: Rows, width: int, title: str, *, one: str = "") -> alt.LayerChart:
    """A row per label: a dot for the median, a bar for its 95 % interval, log axis.

    rows: `label`, `median`, `low`, `high` (None where there is no interval), `value` (the
    text beside it), `tip`, and `color` and `series` where several share a row.
    one: what a line at 1 is called; "" for none.
    """
    drawn = [
        row | {"from": row["low"] or row["median"], "to": row["high"] or row["median"]}
        for row in rows
    ]
    label_space = min(CHARACTER * max(len(row["label"]) for row in rows) + 8, 0.45 * width)
    inner = width - label_space
    ends = [row["from"] for row in drawn] + [row["to"] for row in drawn] + ([1.0] if one else [])
    room = 64 / inner
    free = (max(ends) / min(ends)) ** (room / (1 - room)) if max(ends) > 1.5 * min(ends) else 1.25
    scale, ticks = log_scale(ends, 1.12, max(free, 1.12))
    axis = alt.Axis(values=ticks, labelExpr=SHORT_NUMBER, grid=True)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)

    order = list(dict.fromkeys(row["label"] for row in rows))
    series = list(dict.fromkeys(row["series"] for row in rows)) if "series" in rows[0] else []
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=label_space))
    shades = {row.get("series", ""): row.get("color", STAND_IN["strong"]) for row in rows}
    color = alt.Color(
        "series:N" if series else "label:N",
        scale=alt.Scale(
            domain=series or order,
            range=[shades[s] for s in series] or [STAND_IN["strong"]] * len(order),
        ),
        legend=alt.Legend(title=None, orient="top", symbolOpacity=1) if series else None,
    )
    base = data(drawn).encode(y=y)
    point = base.mark_point(size=64, opacity=1, filled=True)
    if len(series) > 1:
        shapes = alt.Scale(domain=series, range=SHAPES[1 : 1 + len(series)])
        base = base.encode(yOffset=alt.YOffset("series:N", sort=series))
        point = base.mark_point(size=64, opacity=1, filled=True).encode(
            shape=alt.Shape("series:N", scale=shapes, legend=None)
        )
    layers = [
        base.mark_rule(strokeWidth=7, opacity=0.35).encode(x=x("from"), x2="to:Q", color=color),
        point.encode(x=x("median"), color=color),
        base.mark_text(align="left", dx=8, fontSize=11.5).encode(x=x("to"), text="value:N"),
    ]
    if one:
        line = alt.Chart(alt.InlineData(values=[{"at": 1, "tip": one}]))
        layers.insert(
            0, line.mark_rule(color=STAND_IN["muted"], strokeDash=[4, 3]).encode(x=x("at"))
        )
    chart = alt.layer(*layers).properties(
        width=inner, height=alt.Step(ROW_HEIGHT * 0.6 if len(series) > 1 else ROW_HEIGHT)
    )
    return finish(chart, label_space)


def lines(
    rows: Rows, width: int, x: alt.X, y_title: str, order: Sequence[tuple[str, int]]
) -> alt.LayerChart:
    """A line per series, with error bars where `low` and `high` are known, log axis upwards.

    rows: `series`, `x`, `y`, `low`, `high`, `tip`. order: series and their place in the palette.
    """
    drawn = [row | {"from": row["low"] or row["y"], "to": row["high"] or row["y"]} for row in rows]
    scale, ticks = log_scale([r["from"] for r in drawn] + [r["to"] for r in drawn], 1.1, 1.1)
    axis = alt.Axis(values=ticks, labelExpr=SHORT_NUMBER, grid=True)
    names, places = [name for name, _ in order], [place for _, place in order]

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=y_title, scale=scale, axis=axis)

    legend = alt.Legend(
        title=None,
        orient="top",
        columns=2 if width < 500 else 0,
        symbolOpacity=1,
        symbolSize=70,
        columnPadding=22,
    )

    def scale_of(marks: Sequence[Any]) -> alt.Scale:
        return alt.Scale(domain=names, range=[marks[p] for p in places])

    color = alt.Color("series:N", scale=scale_of(SERIES), legend=legend)
    dash = alt.StrokeDash("series:N", scale=scale_of(DASHES), legend=None)
    shape = alt.Shape("series:N", scale=scale_of(SHAPES), legend=None)
    base = data(drawn).encode(x=x, color=color)
    chart = alt.layer(
        base.mark_line(strokeWidth=2).encode(
            y=y("y"), strokeDash=dash, description=alt.Description("series:N")
        ),
        base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=y("from"), y2="to:Q"),
        base.mark_point(size=38, opacity=1, filled=True).encode(y=y("y"), shape=shape),
    ).properties(width=width - 60, height=300 if width > 500 else 260)
    return finish(chart)


def finish(chart: Any, label_space: float = 0) -> alt.LayerChart:
    finished: alt.LayerChart = (
        chart.properties(
            autosize=alt.AutoSizeParams(type="pad"), padding=2, background="transparent"
        )
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_text(color=STAND_IN["ink"])
        .configure_axis(
            labelColor=STAND_IN["muted"],
            titleColor=STAND_IN["muted"],
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
            gridColor=STAND_IN["grid"],
            domain=False,
            ticks=False,
            labelPadding=7,
            labelFlush=False,
            titlePadding=9,
        )
        .configure_legend(
            labelColor=STAND_IN["ink"], labelFontSize=12, labelLimit=300, offset=8, rowPadding=4
        )
    )
    if label_space:
        finished = finished.configure_axisY(
            labelColor=STAND_IN["ink"], labelFontSize=12.5, grid=False, minExtent=label_space
        )
    return finished
