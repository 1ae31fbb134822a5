"""The charts, as static SVG: no script, no network, sharp in print, at two widths.

Colours are drawn as stand-ins and replaced in the finished SVG: by CSS variables in
the HTML report, where they follow light and dark, and by plain colours in files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from typing import Any

import altair as alt
import vl_convert

NAMES = ("ink", "muted", "grid", "strong", "soft", "second")
PALETTE = tuple(f"#{i:02d}{i:02d}{i:02d}" for i in range(11, 11 + len(NAMES)))
INK, MUTED, GRID, STRONG, SOFT, SECOND = PALETTE
CSS = {color: f"var(--{name})" for color, name in zip(PALETTE, NAMES)}
# fmt: off
LIGHT = dict(zip(PALETTE, (
    "#1c2126", "#5d6873", "#e3e7eb", "#0b6e75", "#a5d3d5", "#c9792b",
)))
DARK = dict(zip(PALETTE, (
    "#e8ecef", "#9aa6b1", "#30383f", "#4fbcc2", "#24575b", "#e0a05a",
)))
# fmt: on
WIDE, NARROW = 600, 360
ROW_HEIGHT = 32
LABEL_SPACE = 118  # the longest variant's name, at the axis
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
OFF_AXIS = 8  # a bar this many times longer than the next would flatten all others

Row = dict[str, Any]
Chart = Callable[[Sequence[Row], int], "alt.LayerChart | None"]


def figure(value: float | None) -> str:
    """Three significant digits at least, thousands apart; an en dash for what is not known."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    decimals = max(0, 2 - floor(log10(abs(float(f"{value:.3g}")))))
    return f"{value:,.{decimals}f}"


def throughput(rows: Sequence[Row], width: int) -> alt.LayerChart | None:
    """A dot for the median and a band from the slowest to the fastest round, log axis."""
    data = []
    for row in rows:
        if spread := row["throughput_rps"]:
            median, low, high = (figure(spread[key]) for key in ("median", "min", "max"))
            tip = f"{row['variant']}: {median} requests/s, rounds from {low} to {high}"
            data.append({"variant": row["variant"], **spread, "label": median, "tip": tip})
    if not data:
        return None
    x = _log_x("requests/s, log axis", [d["min"] for d in data], [d["max"] for d in data], width)
    base = _base(data)
    return _finish(
        base.mark_rule(strokeWidth=10, color=SOFT).encode(x=x("min"), x2="max:Q"),
        base.mark_circle(size=90, color=STRONG, opacity=1).encode(x=x("median")),
        base.mark_text(align="left", dx=11, fontWeight="bold").encode(x=x("max"), text="label:N"),
        rows=rows,
        width=width,
    )


def latency(rows: Sequence[Row], width: int) -> alt.LayerChart | None:
    """p50, p90 and p99 on one line per variant, log axis; without those that the
    number of requests does not support."""
    data, lines = [], []
    for row in rows:
        known = {name: ms for name, ms in row["latency_ms"].items() if ms is not None}
        if known:
            tip = f"{row['variant']}: " + ", ".join(
                f"{p} {figure(ms)} ms" for p, ms in known.items()
            )
            common = {"variant": row["variant"], "tip": tip}
            data += [common | {"percentile": p, "ms": ms} for p, ms in known.items()]
            last = max(known.values())
            label = " / ".join(figure(row["latency_ms"][p]) for p in row["latency_ms"])
            lines.append(common | {"from": min(known.values()), "to": last, "label": label})
    if not data:
        return None
    all_ms = [d["ms"] for d in data]
    x = _log_x("ms, log axis: p50 / p90 / p99", all_ms, all_ms, width, label_room=2.1)
    shades = alt.Scale(domain=["p50", "p90", "p99"], range=[STRONG, SOFT, SECOND])
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    return _finish(
        _base(lines).mark_rule(strokeWidth=2, color=SOFT).encode(x=x("from"), x2="to:Q"),
        _base(data)
        .mark_circle(size=90, opacity=1)
        .encode(x=x("ms"), color=alt.Color("percentile:N", scale=shades, legend=legend)),
        _base(lines).mark_text(align="left", dx=11).encode(x=x("to"), text="label:N"),
        rows=rows,
        width=width,
    )


def cpu(rows: Sequence[Row], width: int) -> alt.LayerChart | None:
    def parts(row: Row) -> list[float] | None:
        spreads = [row[role]["cpu_ms_per_request"] for role in ("server", "sidecar")]
        return None if None in spreads else [spread["median"] for spread in spreads]

    rows = [row for row in rows if row not in off_axis(rows)]
    return _stacked(rows, width, parts, "ms of CPU time per request", "ms")


def memory(rows: Sequence[Row], width: int) -> alt.LayerChart | None:
    def parts(row: Row) -> list[float] | None:
        if row["void"] or not row["server"]["processes"]:
            return None
        peaks = [row[role]["peak_memory_bytes"] for role in ("server", "sidecar")]
        peaks[1] = peaks[1] if row["sidecar"]["processes"] else 0
        return None if None in peaks else [peak / 2**20 for peak in peaks]

    return _stacked(rows, width, parts, "MiB at the peak, all processes", "MiB")


def off_axis(rows: Sequence[Row]) -> list[Row]:
    """Variants whose CPU time is left out of the chart (not of the table): next to them
    no other bar could be seen."""
    totals = sorted(
        ((_cpu_total(row), i) for i, row in enumerate(rows) if _cpu_total(row)), reverse=True
    )
    left_out = 0
    while left_out + 1 < len(totals) and totals[left_out][0] > OFF_AXIS * totals[left_out + 1][0]:
        left_out += 1
    return [rows[i] for _, i in totals[:left_out]]


def _cpu_total(row: Row) -> float:
    spreads = [row[role]["cpu_ms_per_request"] for role in ("server", "sidecar")]
    return sum((spread["median"] for spread in spreads if spread), 0.0)


def _stacked(
    rows: Sequence[Row],
    width: int,
    parts: Callable[[Row], list[float] | None],
    title: str,
    unit: str,
) -> alt.LayerChart | None:
    data, totals = [], []
    for row in rows:
        values = parts(row)
        if values is None:
            continue
        server, sidecar = values
        split = f" (server {figure(server)}, sidecar {figure(sidecar)})" if sidecar else ""
        tip = f"{row['variant']}: {figure(server + sidecar)} {unit}{split}"
        common = {"variant": row["variant"], "tip": tip}
        data.append(common | {"part": "server", "from": 0, "to": server})
        if sidecar:
            data.append(common | {"part": "sidecar", "from": server, "to": server + sidecar})
        totals.append(common | {"to": server + sidecar, "label": figure(server + sidecar)})
    if not data:
        return None
    room = 1 + 60 / (width - LABEL_SPACE)
    scale = alt.Scale(domain=[0, room * max(t["to"] for t in totals)], nice=False)
    axis = alt.Axis(tickCount=5, grid=True)
    shades = alt.Scale(domain=["server", "sidecar"], range=[STRONG, SECOND])
    has_sidecar = any(d["part"] == "sidecar" for d in data)
    legend = alt.Legend(title=None, orient="top") if has_sidecar else None
    x = alt.X("from:Q", title=title, scale=scale, axis=axis)
    return _finish(
        _base(data)
        .mark_bar(height=15)
        .encode(x=x, x2="to:Q", color=alt.Color("part:N", scale=shades, legend=legend)),
        _base(totals)
        .mark_text(align="left", dx=6, fontWeight="bold")
        .encode(x=alt.X("to:Q", title=title, scale=scale, axis=axis), text="label:N"),
        rows=rows,
        width=width,
    )


def _base(data: list[Row]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=data)).encode(description=alt.Description("tip:N"))


def _log_x(
    title: str, low: list[float], high: list[float], width: int, label_room: float = 1.0
) -> Callable[[str], alt.X]:
    """The axis, by decades, with room on the right for a label beside the last mark."""
    bottom, top = 10 ** floor(log10(min(low))), max(high)
    inner = width - LABEL_SPACE
    room = 70 * label_room / inner
    top *= (top / bottom) ** (room / (1 - room))
    decades = [10.0**k for k in range(floor(log10(bottom)), ceil(log10(top)) + 1)]
    scale = alt.Scale(type="log", domain=[bottom, top], nice=False)
    short = "datum.value < 1000 ? datum.value : datum.value / 1000 + 'k'"
    axis = alt.Axis(
        values=[d for d in decades if d <= min(top, 10 * max(high))], labelExpr=short, grid=True
    )
    return lambda field: alt.X(f"{field}:Q", title=title, scale=scale, axis=axis)


def _finish(*layers: alt.Chart, rows: Sequence[Row], width: int) -> alt.LayerChart:
    shown = {value["variant"] for layer in layers for value in layer.data.values}
    order = [row["variant"] for row in rows if row["variant"] in shown]
    y = alt.Y(
        "variant:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=LABEL_SPACE, minExtent=LABEL_SPACE),
    )
    finished: alt.LayerChart = (
        alt.layer(*(layer.encode(y=y) for layer in layers))
        .properties(
            width=width - LABEL_SPACE,
            height=alt.Step(ROW_HEIGHT),
            autosize=alt.AutoSizeParams(type="pad"),
            padding=2,
            background="transparent",
        )
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_text(color=INK, fontSize=12.5)
        .configure_axis(
            labelColor=MUTED,
            titleColor=MUTED,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
            gridColor=GRID,
            domain=False,
            ticks=False,
            labelPadding=7,
            labelFlush=False,
            titlePadding=9,
        )
        .configure_axisY(labelColor=INK, labelFontSize=13, grid=False)
        .configure_legend(labelColor=MUTED, labelFontSize=12, symbolStrokeWidth=0, offset=8)
    )
    return finished


def svg(chart: Chart, rows: Sequence[Row], width: int, colors: dict[str, str]) -> str | None:
    """The chart drawn; None where no variant has figures for it.

    Each mark's description becomes a <title>, which browsers show as a tooltip.
    """
    drawn = chart(rows, width)
    if drawn is None:
        return None
    text = vl_convert.vegalite_to_svg(drawn.to_json())
    for stand_in, color in colors.items():
        text = text.replace(stand_in, color)
    return re.sub(
        r'(<(path|line) aria-label="([^"]+)"[^>]*)(?:/>|></\2>)', r"\1><title>\3</title></\2>", text
    )


CHARTS: tuple[tuple[str, Chart], ...] = (
    ("Throughput", throughput),
    ("Latency", latency),
    ("CPU time per request", cpu),
    ("Peak memory", memory),
)
