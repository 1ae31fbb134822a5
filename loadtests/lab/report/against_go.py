"""FastAPI against Go, route by route, and the ladder between them."""

from __future__ import annotations

from typing import Any

from loadtests.lab.domain import BASELINES
from loadtests.lab.report import answer, charts
from loadtests.lab.report.document import Cell as TableCell
from loadtests.lab.report.document import Part, Row, Section, Table, Text
from loadtests.lab.report.figures import Cell, Figures
from loadtests.lab.report.wording import (
    NOT_KNOWN,
    interval,
    listed,
    percentile_cell,
    ratio_cell,
    said,
    spread_cell,
)

METRICS = {
    "throughput_rps": "requests/s",
    "per_core_rps": "requests per core",
    "p50_ms": "p50",
    "p99_ms": "p99",
}


def routes(figures: Figures) -> Section | None:
    gateway = figures.gateway()
    rows, drawn = [], []
    for section in ("io", "engines"):
        for route, cells in figures.loads(section):
            go = next((c for c in cells if c["target"] == gateway), None)
            if go is None:
                continue
            rows.append(Row(route, kind="group"))
            shown = [cell for cell in cells if cell is not go and _is_shown(figures, cell, cells)]
            rows += [_row(figures, cell, gateway) for cell in (*shown, go)]
            for cell in shown:
                drawn += _drawn(figures, cell, f"{route}, {cell['target']}", gateway)
    if not rows:
        return None
    head = [
        ("route, target", ""), ("requests/s", "95 %"), ("by Go's", "95 %"), ("per core", "by Go's"),
        ("p50", "by Go's"), ("p99", "by Go's"), ("p50", "ms"), ("p99", "ms"),
    ]  # fmt: skip
    parts: list[Part] = [
        Text(
            "The gateway is the same HTTP contract in plain Go net/http. Per core: requests per "
            "second of CPU time, sidecars included, which is what one pays for. Ratios of "
            "throughput below 1 mean that FastAPI is slower, ratios of latency above 1 too."
            + _users(figures)
            + _ceiling(figures)
        ),
        *charts.intervals(
            "against-go", "FastAPI's share of Go's throughput, and 95 % interval",
            "ratio to Go, log axis", drawn, one="as fast as Go",
        ),
        Table(head, rows, "FastAPI against Go by route"),
    ]  # fmt: skip
    return Section("against-go", "FastAPI against Go", parts)


def _users(figures: Figures) -> str:
    closed = [cell for cell in figures.cells("io") if cell["model"] == "closed"]
    found = {cell["users"] for cell in closed}
    routes = listed(list(dict.fromkeys(cell["scenario"] for cell in closed)))
    if found == {1}:
        return (
            f" {routes} have one user at a time, so that the generator is not the "
            "limit: a server that sleeps between requests pays for waking up, and Go relatively "
            "more."
        )
    return f" {routes} have {max(found)} users at a time." if found else ""


def _ceiling(figures: Figures) -> str:
    found = figures.result["calibration"]
    if not found or not found["ceiling_rps"]:
        return ""
    value, bounds = spread_cell(found["ceiling_rps"])
    return f" The generator itself reaches {value} requests/s ({bounds}) here, and no more."


def _is_shown(figures: Figures, cell: Cell, cells: list[Cell]) -> bool:
    """Of the engines those that say most: without another language, and the fastest."""
    return (
        cell["section"] == "io" or cell["target"] in BASELINES[:1] or cell is figures.fastest(cells)
    )


def _row(figures: Figures, cell: Cell, gateway: str | None) -> Row:
    summary = figures.summary(cell)
    latency = summary["latency_ms"].get("main")
    cells: list[TableCell] = [spread_cell(summary["throughput_rps"])]
    if cell["target"] == gateway:
        cells += [(NOT_KNOWN if summary["void"] else "1", "")] * len(METRICS)
    else:
        cells += [ratio_cell(figures.compare(cell, gateway, metric)) for metric in METRICS]
    cells += [percentile_cell(latency, name) for name in ("p50", "p99")]
    name = "Go gateway" if cell["target"] == gateway else cell["target"]
    return Row(name, cells, "void" if summary["void"] else "")


def _drawn(figures: Figures, cell: Cell, label: str, gateway: str | None) -> list[dict[str, Any]]:
    rows = []
    for place, metric in enumerate(("throughput_rps", "per_core_rps"), 1):
        if found := figures.compare(cell, gateway, metric):
            # The rate of an open load is the schedule's, not the server's.
            if metric == "throughput_rps" and cell["model"] == "open":
                continue
            rows.append(charts.ratio_row(label, found, METRICS[metric], place))
    return rows


def ladder(figures: Figures) -> Section | None:
    cells = figures.cells("ladder")
    if not cells:
        return None
    gateway = figures.gateway()
    targets = figures.result["targets"]
    head = [
        ("rung, server", ""), ("requests/s", "95 %"), ("requests per core", "95 %"),
        ("per core", "by Go's"), ("p50", "by Go's"), ("p50", "ms"),
    ]  # fmt: skip
    rows: list[Row] = []
    drawn: list[Part] = []
    for route, mine in figures.loads("ladder"):
        rows.append(Row(route, kind="group"))
        points = []
        ordered = sorted(
            mine,
            key=lambda cell: -((figures.summary(cell)["per_core_rps"] or {"median": 0})["median"]),
        )
        for cell in ordered:
            summary = figures.summary(cell)
            target = targets[cell["target"]]
            is_go = cell["target"] == gateway
            name = "Go gateway" if is_go else f"{target['rung']}, {target['server']}"
            ratios: list[TableCell] = [
                ("1", "")
                if is_go and not summary["void"]
                else ratio_cell(figures.compare(cell, gateway, metric))
                for metric in ("per_core_rps", "p50_ms")
            ]
            rows.append(
                Row(
                    name,
                    [
                        spread_cell(summary["throughput_rps"]),
                        spread_cell(summary["per_core_rps"]),
                        *ratios, percentile_cell(summary["latency_ms"].get("main"), "p50"),
                    ],
                    "void" if summary["void"] else "",
                )
            )  # fmt: skip
            if summary["per_core_rps"]:
                points.append(charts.spread_row(name, summary["per_core_rps"], "requests per core"))
        drawn += charts.intervals(
            f"ladder-{route}", f"The ladder, {route}: requests per core and 95 % interval",
            "requests per second of CPU time, log axis", points,
        )  # fmt: skip
    users = max(cell["users"] for cell in cells)
    words = (
        "What each layer of the stack costs, with the same answer: from FastAPI as the service "
        "uses it down to a bare ASGI function, on several servers, "
        f"{'one user' if users == 1 else f'{users} users'} at a time."
    )
    return Section("ladder", "The ladder", [Text(words), *drawn, Table(head, rows, "The ladder")])


def twins(figures: Figures) -> str | None:
    """What the machine allows, in a sentence for the engines' section."""
    found = [pair for pair in answer.twins(figures) if interval(pair)]
    if not found:
        return None
    pair = found[0]
    return (
        f"{pair['denominator']} beside itself has a ratio of {said(pair)} over {pair['pairs']} "
        "pairs: smaller differences than that interval are noise."
    )
