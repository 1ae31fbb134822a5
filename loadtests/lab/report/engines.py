"""The engines against each other: speed, cost, and when one does not pay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.lab.domain import BASELINES
from loadtests.lab.report import against_go, charts
from loadtests.lab.report.document import Bullets, Part, Row, Section, Table, Text
from loadtests.lab.report.document import Cell as TableCell
from loadtests.lab.report.figures import Cell, Figures
from loadtests.lab.report.wording import (
    certainly,
    figure,
    listed,
    percentile_cell,
    ratio_cell,
    said,
    spread_cell,
)


def engines(figures: Figures) -> Section | None:
    loads = figures.loads("engines")
    if not loads:
        return None
    there = [b for b in BASELINES if any(c["target"] == b for _, mine in loads for c in mine)]
    head = [
        ("scenario, target", ""), ("requests/s", "95 %"), *((f"by {b}", "95 %") for b in there),
        ("p50", "ms"), ("p99", "ms"), ("requests", "counted"), ("generator", "% of a core"),
    ]  # fmt: skip
    rows, parts = [], []
    for load, cells in loads:
        rows.append(Row(load, kind="group"))
        best = figures.fastest(cells)
        drawn = []
        for cell in cells:
            summary = figures.summary(cell)
            latency = summary["latency_ms"].get("main")
            ratios: list[TableCell] = [
                ("1", "") if cell["target"] == base else ratio_cell(figures.compare(cell, base))
                for base in there
            ]
            if figures.is_gateway(cell["target"]):
                ratios = [("", "")] * len(there)
            share = summary["generator_cpu_share"]
            rows.append(
                Row(
                    cell["target"],
                    [
                        spread_cell(summary["throughput_rps"]), *ratios,
                        percentile_cell(latency, "p50"), percentile_cell(latency, "p99"),
                        (f"{summary['requests']:,}", ""),
                        (figure(share and 100 * share["median"]), ""),
                    ],
                    "void" if summary["void"] else "best" if cell is best else "",
                )
            )  # fmt: skip
            if summary["throughput_rps"]:
                row = charts.spread_row(cell["target"], summary["throughput_rps"], "requests/s")
                drawn.append(row)
        parts += charts.intervals(
            f"engines-{load.replace(', ', '-').replace(' ', '-')}",
            f"Throughput and 95 % interval, {load}",
            "requests/s, log axis", drawn,
        )  # fmt: skip
    words = [_load_words(figures, loads[0][1][0])]
    if noise := against_go.twins(figures):
        words.append(noise)
    return Section(
        "engines", "The engines",
        [Text(" ".join(words)), *parts, Table(head, rows, "Throughput of the engines")],
    )  # fmt: skip


def _load_words(figures: Figures, cell: Cell) -> str:
    found = figures.result["calibration"]
    limit = found and found["ceiling_rps"]
    words = f"Closed model: {cell['users']} users, each waiting for its answer, at saturation."
    if limit:
        value, bounds = spread_cell(limit)
        words += f" The generator's own ceiling here is {value} requests/s ({bounds})."
    return words


def cost(figures: Figures) -> Section | None:
    loads = [*figures.loads("engines"), *figures.loads("io")]
    if not loads:
        return None
    price = figures.result["settings"]["price_per_vcpu_hour"]
    head = [
        ("scenario, target", ""), ("CPU server", "ms/request"), ("CPU sidecar", "ms/request"),
        ("vCPU-hours", "per million"), ("memory server", "MiB, peak"),
        ("memory sidecar", "MiB, peak"), ("processes", ""),
    ]  # fmt: skip
    if price:
        head.insert(4, ("price", f"{price['currency']} per million"))
    rows, drawn = [], []
    for number, (load, cells) in enumerate(loads):
        rows.append(Row(load, kind="group"))
        for cell in cells:
            summary = figures.summary(cell)
            spent = summary["cost_per_million"]
            sidecar = summary["sidecar"] if summary["sidecar"]["processes"] else None
            shown: list[TableCell] = [
                spread_cell(summary["server"]["cpu_ms_per_request"]),
                spread_cell(sidecar and sidecar["cpu_ms_per_request"]),
                spread_cell(spent and spent["vcpu_hours"]),
                (_mib(summary["server"]), ""), (_mib(sidecar), ""),
                (str(summary["server"]["processes"] + summary["sidecar"]["processes"]), ""),
            ]  # fmt: skip
            if price:
                shown.insert(3, spread_cell(spent and spent["price"] and spent["price"]["amount"]))
            rows.append(Row(cell["target"], shown, "void" if summary["void"] else ""))
            if spent and not number:
                drawn.append(charts.spread_row(cell["target"], spent["vcpu_hours"], "vCPU-hours"))
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
        Table(head, rows, "CPU time, cost and memory"),
    ]  # fmt: skip
    return Section("cost", "What it costs", parts)


def _mib(role: Mapping[str, Any] | None) -> str:
    peak = role and role["peak_memory_bytes"]
    return figure(peak / 2**20 if peak else None)


def not_worth_it(figures: Figures) -> Section | None:
    """By variant what was measured against it; derived, so it can be empty."""
    loads = figures.loads("engines")
    if not BASELINES:
        return None
    base = BASELINES[0]
    variants = [
        target
        for target in figures.targets("engines")
        if not figures.is_gateway(target) and target not in BASELINES
    ]
    items = []
    for variant in variants:
        mine = [(load, c) for load, cells in loads for c in cells if c["target"] == variant]
        found = [*_beside(figures, mine, base), *_of_the_loop(figures, variant)]
        found += _of_the_sidecar(figures, variant)
        if found:
            items.append(f"{variant}: {'; '.join(found)}.")
        elif any(figures.rate(cell) for _, cell in mine):
            items.append(f"{variant}: faster than {base} wherever this run compared them.")
    items += [f"{b}: {'; '.join(found)}." for b in BASELINES if (found := _of_the_loop(figures, b))]
    if not items:
        return None
    words = (
        f"Where a variant is not certainly faster than pure Python with the better method "
        f"({base}), takes more CPU time for it, or makes other requests wait."
    )
    return Section("not-worth-it", "When an engine does not pay", [Text(words), Bullets(items)])


def _beside(figures: Figures, mine: list[tuple[str, Cell]], base: str) -> list[str]:
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
        bool(cell["users"]): figures.summary(cell)["latency_ms"].get("io")
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
    found = figures.result["crossover"]
    if not found:
        return []
    said_ = []
    for point in found["pays_from"]:
        if point["sidecar"] != variant:
            continue
        from_us, low, high = (point[name] for name in ("work_us", "low", "high"))
        if low is None:
            said_.append(f"by the cost models it never pays against {point['against']}")
        elif from_us is None or high is None:
            said_.append(
                f"the cost models cannot tell from where on it pays against {point['against']}, "
                f"only that it does not below {figure(low)} µs of kernel work per request"
                if low
                else f"the cost models cannot tell whether it pays against {point['against']}"
            )
        elif high:
            said_.append(
                f"by the cost models it pays against {point['against']} from {figure(from_us)} µs "
                f"({figure(low)}–{figure(high)}) of kernel work per request on"
            )
    return said_
