"""FastAPI against Go, route by route, and the ladder between them."""

from __future__ import annotations

from loadtests.lab.records import CellFacts
from loadtests.lab.report import answer, charts
from loadtests.lab.report.charts import Datum
from loadtests.lab.report.document import Chapter, Part, Text
from loadtests.lab.report.figures import Figures
from loadtests.lab.report.wording import interval, listed, said, spread_entry

METRICS = {"throughput_rps": "requests/s", "per_core_rps": "requests per core"}  # that are drawn


def routes(figures: Figures) -> Chapter | None:
    loads, drawn = [], []
    for route, cells in (*figures.loads("io"), *figures.loads("engines")):
        go = [cell for cell in cells if figures.is_gateway(cell["target"])]
        if go:
            mine = [c for c in cells if c not in go and _is_shown(figures, c, cells)]
            loads.append((route, mine + go))
            for cell in mine:
                drawn += _drawn(figures, cell, f"{route}, {cell['target']}")
    if not loads:
        return None
    columns = [
        figures.column("requests/s", "95 %", lambda summary: summary["throughput_rps"]),
        figures.by_go("by Go's", "95 %", "throughput_rps"),
        figures.by_go("per core", "by Go's", "per_core_rps"),
        figures.by_go("p50", "by Go's", "p50_ms"),
        figures.by_go("p99", "by Go's", "p99_ms"),
        figures.percentile("p50"),
        figures.percentile("p99"),
    ]
    table = figures.table(
        "FastAPI against Go by route", "route, target", loads, columns, name=figures.name
    )
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
        table,
    ]  # fmt: skip
    return Chapter("against-go", "FastAPI against Go", parts)


def _users(figures: Figures) -> str:
    closed = [cell for cell in figures.cells("io") if cell["model"] == "closed"]
    found = {cell["users"] or 0 for cell in closed}
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
    if not found:
        return ""
    value, bounds = spread_entry(found["ceiling_rps"])
    return f" The generator itself reaches {value} requests/s ({bounds}) here, and no more."


def _is_shown(figures: Figures, cell: CellFacts, cells: list[CellFacts]) -> bool:
    """Of the engines those that say most: without another language, and the fastest."""
    plainest = cell["target"] in figures.baselines[:1]
    return cell["section"] == "io" or plainest or cell is figures.fastest(cells)


def _drawn(figures: Figures, cell: CellFacts, label: str) -> list[Datum]:
    return [
        charts.ratio_datum(label, found, series, place)
        for place, (metric, series) in enumerate(METRICS.items(), 1)
        # The rate of an open load is the schedule's, not the server's.
        if not (metric == "throughput_rps" and cell["model"] == "open")
        and (found := figures.compare(cell, figures.gateway(), metric))
    ]


def ladder(figures: Figures) -> Chapter | None:
    def per_core(cell: CellFacts) -> float:
        found = figures.summary(cell)["per_core_rps"]
        return found["median"] if found else 0.0

    def name(cell: CellFacts) -> str:
        target = figures.result["targets"][cell["target"]]
        is_go = figures.is_gateway(cell["target"])
        return figures.name(cell) if is_go else f"{target['rung']}, {target['server']}"

    loads = [
        (route, sorted(cells, key=per_core, reverse=True))
        for route, cells in figures.loads("ladder")
    ]
    if not loads:
        return None
    columns = [
        figures.column("requests/s", "95 %", lambda summary: summary["throughput_rps"]),
        figures.column("requests per core", "95 %", lambda summary: summary["per_core_rps"]),
        figures.by_go("per core", "by Go's", "per_core_rps"),
        figures.by_go("p50", "by Go's", "p50_ms"),
        figures.percentile("p50"),
    ]  # fmt: skip
    drawn: list[Part] = []
    for route, cells in loads:
        points = [
            charts.spread_datum(name(cell), found, "requests per core")
            for cell in cells
            if (found := figures.summary(cell)["per_core_rps"])
        ]
        drawn += charts.intervals(
            f"ladder-{route}", f"The ladder, {route}: requests per core and 95 % interval",
            "requests per second of CPU time, log axis", points,
        )  # fmt: skip
    users = max(cell["users"] or 0 for _, cells in loads for cell in cells)
    words = (
        "What each layer of the stack costs, with the same answer: from FastAPI as the service "
        "uses it down to a bare ASGI function, on several servers, "
        f"{'one user' if users == 1 else f'{users} users'} at a time."
    )
    table = figures.table("The ladder", "rung, server", loads, columns, name=name)
    return Chapter("ladder", "The ladder", [Text(words), *drawn, table])


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
