"""The engines against each other: speed, cost, and when one does not pay."""

from __future__ import annotations

from loadtests.lab.records import CellFacts, RoleSummary, Spread, Summary
from loadtests.lab.report import against_go, charts
from loadtests.lab.report.document import Bullets, Chapter, Entry, Part, Text
from loadtests.lab.report.figures import Column, Figures
from loadtests.lab.report.wording import (
    certainly,
    figure,
    listed,
    ratio_entry,
    said,
    spread_entry,
)


def engines(figures: Figures) -> Chapter | None:
    loads = figures.loads("engines")
    if not loads:
        return None
    measured = {cell["target"] for _, cells in loads for cell in cells}

    def by(base: str) -> Column:
        def entry(cell: CellFacts) -> Entry:
            if figures.is_gateway(cell["target"]):
                return "", ""
            same = cell["target"] == base
            return ("1", "") if same else ratio_entry(figures.compare(cell, base))

        return Column(f"by {base}", "95 %", entry)

    def share(summary: Summary) -> str:
        found = summary["generator_cpu_share"]
        return figure(100 * found["median"] if found else None)

    columns = [
        figures.column("requests/s", "95 %", lambda summary: summary["throughput_rps"]),
        *(by(base) for base in figures.baselines if base in measured),
        figures.percentile("p50"),
        figures.percentile("p99"),
        figures.column("requests", "counted", lambda summary: f"{summary['requests']:,}"),
        figures.column("generator", "% of a core", share),
    ]
    drawn: list[Part] = []
    for load, cells in loads:
        data = [
            charts.spread_datum(cell["target"], rate, "requests/s")
            for cell in cells
            if (rate := figures.rate(cell))
        ]
        drawn += charts.intervals(
            f"engines-{load.replace(', ', '-').replace(' ', '-')}",
            f"Throughput and 95 % interval, {load}",
            "requests/s, log axis", data,
        )  # fmt: skip
    words = [_load_words(figures, loads[0][1][0])]
    if noise := against_go.twins(figures):
        words.append(noise)
    table = figures.table(
        "Throughput of the engines", "scenario, target", loads, columns, best=True
    )
    return Chapter("engines", "The engines", [Text(" ".join(words)), *drawn, table])


def _load_words(figures: Figures, cell: CellFacts) -> str:
    words = f"Closed model: {cell['users']} users, each waiting for its answer, at saturation."
    if found := figures.result["calibration"]:
        value, bounds = spread_entry(found["ceiling_rps"])
        words += f" The generator's own ceiling here is {value} requests/s ({bounds})."
    return words


def cost(figures: Figures) -> Chapter | None:
    loads = [*figures.loads("engines"), *figures.loads("io")]
    if not loads:
        return None

    price = figures.result["settings"]["price_per_vcpu_hour"]
    columns = [
        figures.column("CPU server", "ms/request", lambda s: s["server"]["cpu_ms_per_request"]),
        figures.column("CPU sidecar", "ms/request", lambda s: _cpu_of_sidecar(s["sidecar"])),
        figures.column("vCPU-hours", "per million", _hours),
        *([figures.column("price", f"{price['currency']} per million", _price)] if price else []),
        figures.column("memory server", "MiB, peak", lambda s: _mib(s["server"])),
        figures.column("memory sidecar", "MiB, peak", lambda s: _mib(s["sidecar"])),
        figures.column("processes", "", _processes),
    ]
    drawn = [
        charts.spread_datum(cell["target"], hours, "vCPU-hours")
        for cell in loads[0][1]
        if (hours := _hours(figures.summary(cell)))
    ]
    parts: list[Part] = [
        Text(
            "CPU time of the server's whole process tree, the sidecar's beside it, by request. "
            "vCPU-hours per million requests are that time alone: cores that idle, memory and "
            "traffic come on top. Memory is the sum of the processes' peaks; pages that they "
            "share count once for each."
        ),
        *charts.intervals(
            "cost", f"Cost and 95 % interval, {loads[0][0]}",
            "vCPU-hours per million requests, log axis", drawn,
        ),
        figures.table("CPU time, cost and memory", "scenario, target", loads, columns),
    ]  # fmt: skip
    return Chapter("cost", "What it costs", parts)


def _cpu_of_sidecar(sidecar: RoleSummary) -> Spread | None:
    return sidecar["cpu_ms_per_request"] if sidecar["processes"] else None


def _hours(summary: Summary) -> Spread | None:
    spent = summary["cost_per_million"]
    return spent and spent["vcpu_hours"]


def _price(summary: Summary) -> Spread | None:
    spent = summary["cost_per_million"]
    return spent and spent["price"] and spent["price"]["amount"]


def _processes(summary: Summary) -> str:
    return str(summary["server"]["processes"] + summary["sidecar"]["processes"])


def _mib(role: RoleSummary) -> str:
    peak = role["peak_memory_bytes"]
    return figure(peak / 2**20 if peak else None)


def not_worth_it(figures: Figures) -> Chapter | None:
    """By variant what was measured against it; derived, so it can be empty."""
    if not figures.baselines:
        return None
    loads, base = figures.loads("engines"), figures.baselines[0]
    items = []
    for variant, cells in figures.by_target("engines"):
        if figures.is_gateway(variant) or variant in figures.baselines:
            continue
        mine = [(load, c) for load, found in loads for c in found if c["target"] == variant]
        found = [*_beside(figures, mine, base), *_of_the_loop(figures, variant)]
        found += _of_the_sidecar(figures, variant)
        if found:
            items.append(f"{variant}: {'; '.join(found)}.")
        elif figures.sound(cells):
            items.append(f"{variant}: faster than {base} wherever this run compared them.")
    harm = {variant: _of_the_loop(figures, variant) for variant in figures.baselines}
    items += [f"{variant}: {'; '.join(found)}." for variant, found in harm.items() if found]
    if not items:
        return None
    words = (
        f"Where a variant is not certainly faster than pure Python with the better method "
        f"({base}), takes more CPU time for it, or makes other requests wait."
    )
    return Chapter("not-worth-it", "When an engine does not pay", [Text(words), Bullets(items)])


def _beside(figures: Figures, mine: list[tuple[str, CellFacts]], base: str) -> list[str]:
    slower, equal, dearer = [], [], []
    for load, cell in mine:
        speed = figures.compare(cell, base)
        spent = figures.compare(cell, base, "per_core_rps")
        if speed and certainly(speed) == "below":
            slower.append(f"{load} {said(speed)}")
        elif speed and certainly(speed) is None:
            equal.append(f"{load} {said(speed)}")
        elif spent and certainly(spent) == "below":
            dearer.append(f"{load} {said(spent)}")
    found = []
    if slower:
        found.append(f"slower than {base} on {listed(slower)}")
    if equal:
        found.append(f"not certainly faster than {base} on {listed(equal)}")
    if dearer:
        found.append(f"faster, but with fewer requests per core, on {listed(dearer)}")
    return found


def _of_the_loop(figures: Figures, variant: str) -> list[str]:
    """What it does to the other requests of the loop, where that is certain."""
    latency = {
        bool(cell["users"]): figures.latency(cell, "io")
        for cell in figures.cells("mixed")
        if cell["target"] == variant
    }
    alone, beside = latency.get(False), latency.get(True)
    if not alone or not beside or not alone["p99"] or not beside["p99"]:
        return []
    before, after = alone["intervals"]["p99"], beside["intervals"]["p99"]
    if not before or not after or after[0] <= before[1]:
        return []
    return [
        f"beside it the p99 of I/O requests rises from {figure(alone['p99'])} to "
        f"{figure(beside['p99'])} ms"
    ]


def _of_the_sidecar(figures: Figures, variant: str) -> list[str]:
    """From which amount of work on it pays, as the cost models have it."""
    crossover = figures.result["crossover"]
    found = []
    for point in crossover["pays_from"] if crossover else ():
        if point["sidecar"] != variant:
            continue
        other, from_us = point["against"], point["work_us"]
        low, high = point["low"], point["high"]
        if low is None:
            found.append(f"by the cost models it never pays against {other}")
        elif from_us is None or high is None:
            found.append(
                f"the cost models cannot tell from where on it pays against {other}, "
                f"only that it does not below {figure(low)} µs of kernel work per request"
                if low
                else f"the cost models cannot tell whether it pays against {other}"
            )
        elif high:
            found.append(
                f"by the cost models it pays against {other} from {figure(from_us)} µs "
                f"({figure(low)}–{figure(high)}) of kernel work per request on"
            )
    return found
