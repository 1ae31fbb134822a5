"""Latency: its curves, under load up to saturation, and beside a hot path."""

from __future__ import annotations

from loadtests.lab.records import CellFacts, Latency, Percentile, Summary
from loadtests.lab.report import charts
from loadtests.lab.report.document import Chapter, Entry, Part, Text
from loadtests.lab.report.figures import Column, Figures
from loadtests.lab.report.wording import NOT_KNOWN, figure, percentile_entry, spread_entry
from loadtests.lab.resampling import latencies


def _rate(cell: CellFacts) -> float:
    return cell["rate_rps"] or 0.0


def curves(figures: Figures) -> Chapter | None:
    """Of every target at the level nearest to half its saturation; where no load was
    measured at given rates, of the engines at saturation."""
    shown: list[tuple[str, CellFacts]] = []
    for target, cells in figures.by_target("load"):
        mine = sorted(figures.sound(cells), key=_rate)
        if mine:
            half = _rate(mine[-1]) / 2
            cell = min(mine, key=lambda cell: abs(_rate(cell) - half))
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
    return Chapter("latency", "Latency", [Text(words), *parts]) if parts else None


def load(figures: Figures) -> Chapter | None:
    targets = [(name, sorted(cells, key=_rate)) for name, cells in figures.by_target("load")]
    if not targets:
        return None

    def from_sending(cell: CellFacts) -> Entry:
        is_void = figures.summary(cell)["void"]
        raw = None if is_void else latencies(figures.histograms(cell, raw=True))
        return percentile_entry(raw, "p99")

    def late(summary: Summary) -> str:
        lag = summary["lag_ms"]
        return figure(lag["p99"] if lag else None)

    columns = [
        figures.column("answered", "requests/s", lambda summary: summary["throughput_rps"]),
        figures.percentile("p50"),
        figures.percentile("p90"),
        figures.percentile("p99"),
        Column("p99 from sending", "ms", from_sending),
        figures.percentile("max"),
        figures.column("generator late", "p99, ms", late),
    ]
    cells = sorted(figures.cells("load"), key=_rate)
    words = (
        f"{(cells[0]['arrivals'] or '').capitalize()} arrivals that do not wait for answers. "
        "Latency counts from the moment that a request was meant to be sent, so that a server "
        "that stalls is charged for all whom it keeps waiting; the time from sending stands beside "
        "it."
    )
    table = figures.table(
        "Load and latency", "target, requests/s", targets, columns,
        name=lambda cell: figure(cell["rate_rps"]),
    )  # fmt: skip
    parts: list[Part] = [Text(words), *charts.load_curves(figures, cells), table]
    return Chapter("load", "Latency under load, up to saturation", parts)


def mixed(figures: Figures) -> Chapter | None:
    def users(cell: CellFacts) -> int:
        return cell["users"] or 0

    def series(cell: CellFacts) -> str:
        return "hot path loaded" if users(cell) else "I/O alone"

    def io(summary: Summary) -> Latency | None:
        return summary["latency_ms"].get("io")

    def hot(cell: CellFacts) -> Entry:
        return spread_entry(figures.rate(cell)) if users(cell) else (NOT_KNOWN, "")

    targets = [(name, sorted(cells, key=users)) for name, cells in figures.by_target("mixed")]
    if not targets:
        return None
    columns = [
        Column("hot path", "requests/s", hot),
        figures.percentile("p50", "I/O p50", io),
        figures.percentile("p90", "I/O p90", io),
        figures.percentile("p99", "I/O p99", io),
        figures.percentile("max", "I/O max", io),
        figures.percentile("p99", "loop late p99", lambda summary: summary["loop_lag_ms"]),
        figures.percentile("max", "loop late max", lambda summary: summary["loop_lag_ms"]),
    ]
    known = [
        (cell, latency)
        for _, cells in targets
        for cell in cells
        if (latency := io(figures.summary(cell))) is not None
    ]
    # The same for all that stand side by side.
    name: Percentile = "p90" if any(latency["p99"] is None for _, latency in known) else "p99"
    drawn = [
        charts.percentile_datum(cell["target"], latency, name, series(cell), 1 + bool(users(cell)))
        for cell, latency in known
        if latency[name]
    ]
    cells = figures.cells("mixed")
    words = (
        f"I/O requests arrive at a steady {figure(cells[0]['io_rate_rps'])} per second, alone and "
        f"while {max(map(users, cells))} users keep the hot path of the same server busy: the "
        "difference is what a variant does to everyone else on its event loop. The loop's "
        "lateness is measured in the server itself."
    )
    parts: list[Part] = [
        Text(words),
        *charts.intervals(
            "mixed", f"{name} of I/O requests and 95 % interval, without and with the hot path",
            "ms, log axis", drawn,
        ),
        figures.table("I/O beside the hot path", "target", targets, columns, name=series),
    ]  # fmt: skip
    return Chapter("mixed", "I/O beside the hot path", parts)
