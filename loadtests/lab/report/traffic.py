"""Latency: its curves, under load up to saturation, and beside a hot path."""

from __future__ import annotations

from loadtests.lab.report import charts
from loadtests.lab.report.document import Cell as TableCell
from loadtests.lab.report.document import Part, Row, Section, Table, Text
from loadtests.lab.report.figures import Cell, Figures
from loadtests.lab.report.wording import figure, percentile_cell, spread_cell
from loadtests.lab.resampling import latencies


def curves(figures: Figures) -> Section | None:
    """Of every target at the level nearest to half its saturation; where no load was
    measured at given rates, of the engines at saturation."""
    shown: list[tuple[str, Cell]] = []
    for target in figures.targets("load"):
        mine = [cell for cell in figures.cells("load") if cell["target"] == target]
        mine = sorted(figures.sound(mine), key=lambda cell: float(cell["rate_rps"]))
        if mine:
            half = mine[-1]["rate_rps"] / 2
            cell = min(mine, key=lambda cell: abs(cell["rate_rps"] - half))
            shown.append((f"{target} at {figure(cell['rate_rps'])}/s", cell))
    words = (
        "How long the slowest share of the requests takes, from the moment that they were meant "
        "to be sent, at about half of each target's highest load."
    )
    if not shown:
        loads = figures.loads("engines")
        cells = figures.sound(loads[0][1]) if loads else []
        shown = [(cell["target"], cell) for cell in cells][-5:]
        words = "How long the slowest share of the requests takes, at saturation, closed model."
    parts = charts.latency_curves(figures, shown)
    return Section("latency", "Latency", [Text(words), *parts]) if parts else None


def load(figures: Figures) -> Section | None:
    cells = sorted(figures.cells("load"), key=lambda cell: float(cell["rate_rps"]))
    if not cells:
        return None
    head = [
        ("target, requests/s", ""), ("answered", "requests/s"), ("p50", "ms"), ("p90", "ms"),
        ("p99", "ms"), ("p99 from sending", "ms"), ("max", "ms"), ("generator late", "p99, ms"),
    ]  # fmt: skip
    rows = []
    for target in figures.targets("load"):
        rows.append(Row(target, kind="group"))
        for cell in cells:
            if cell["target"] != target:
                continue
            summary = figures.summary(cell)
            latency = summary["latency_ms"].get("main")
            raw = latencies(figures.histograms(cell, "main", "raw_latency"))
            if summary["void"]:
                raw = None
            late = summary["lag_ms"]
            rows.append(
                Row(
                    figure(cell["rate_rps"]),
                    [
                        spread_cell(summary["throughput_rps"]),
                        *(percentile_cell(latency, name) for name in ("p50", "p90", "p99")),
                        percentile_cell(raw, "p99"), percentile_cell(latency, "max"),
                        (figure(late and late["p99"]), ""),
                    ],
                    "void" if summary["void"] else "",
                )
            )  # fmt: skip
    words = (
        f"{cells[0]['arrivals'].capitalize()} arrivals that do not wait for answers. Latency "
        "counts from the moment that a request was meant to be sent, so that a server that "
        "stalls is charged for all whom it keeps waiting; the time from sending stands beside it."
    )
    parts: list[Part] = [Text(words), *charts.load_curves(figures, cells)]
    return Section(
        "load",
        "Latency under load, up to saturation",
        [*parts, Table(head, rows, "Load and latency")],
    )


def mixed(figures: Figures) -> Section | None:
    cells = figures.cells("mixed")
    if not cells:
        return None
    head = [
        ("target", ""), ("hot path", "requests/s"), ("I/O p50", "ms"), ("I/O p90", "ms"),
        ("I/O p99", "ms"), ("I/O max", "ms"), ("loop late p99", "ms"), ("loop late max", "ms"),
    ]  # fmt: skip
    rows, drawn = [], []
    known = [
        latency["p99"]
        for cell in cells
        if (latency := figures.summary(cell)["latency_ms"].get("io")) is not None
    ]
    name = "p90" if None in known else "p99"  # the same for all that stand side by side
    for target in figures.targets("mixed"):
        rows.append(Row(target, kind="group"))
        for cell in sorted(
            (cell for cell in cells if cell["target"] == target), key=lambda cell: cell["users"]
        ):
            summary = figures.summary(cell)
            latency, lag = summary["latency_ms"].get("io"), summary["loop_lag_ms"]
            series = "hot path loaded" if cell["users"] else "I/O alone"
            hot: TableCell = spread_cell(summary["throughput_rps"]) if cell["users"] else ("–", "")
            rows.append(
                Row(
                    series,
                    [
                        hot,
                        *(percentile_cell(latency, p) for p in ("p50", "p90", "p99", "max")),
                        percentile_cell(lag, "p99"), percentile_cell(lag, "max"),
                    ],
                    "void" if summary["void"] else "",
                )
            )  # fmt: skip
            if latency and latency[name]:
                place = 2 if cell["users"] else 1
                drawn.append(charts.percentile_row(target, latency, name, series, place))
    rate = cells[0]["io_rate_rps"]
    words = (
        f"I/O requests arrive at a steady {figure(rate)} per second, alone and while "
        f"{max(cell['users'] for cell in cells)} users keep the hot path of the same server busy: "
        "the difference is what a variant does to everyone else on its event loop. The loop's "
        "lateness is measured in the server itself."
    )
    parts: list[Part] = [
        Text(words),
        *charts.intervals(
            "mixed", f"{name} of I/O requests and 95 % interval, without and with the hot path",
            "ms, log axis", drawn,
        ),
        Table(head, rows, "I/O beside the hot path"),
    ]  # fmt: skip
    return Section("mixed", "I/O beside the hot path", parts)
