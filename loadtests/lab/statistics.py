"""From raw blocks to the figures of the report; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from loadtests.lab.records import (
    Block,
    CellFacts,
    Comparison,
    Cost,
    Result,
    Role,
    RoleSummary,
    StreamTally,
    Summary,
    Tally,
    TargetFacts,
    load_of,
)
from loadtests.lab.resampling import (
    Ratio,
    block_percentile,
    latencies,
    mean_ratio,
    percentile_ratio,
    spread,
)

COMPARED = ("engines", "io", "ladder", "twins")
LAG_SHARE = 0.1  # of the reported p99 that the generator's own lateness may reach
BUSY_GENERATOR = 0.95  # of a core
VOID_BLOCKS = 0.5  # of a cell's blocks


def summarised(result: Result, baselines: Sequence[str]) -> Result:
    """With `summary`, `comparisons`, each block's `void` and the voids that follow from them; a
    result with voids is not complete. See schema.md.

    baselines: the targets that all others are compared with, besides the gateway.
    """
    blocks: list[Block] = [{**block, "void": block_void(block)} for block in result["blocks"]]
    by_cell: dict[str, list[Block]] = {cell["id"]: [] for cell in result["cells"]}
    for block in blocks:
        by_cell[block["cell"]].append(block)
    follow = {cell: reason for cell, mine in by_cell.items() if (reason := cell_void(mine))}
    voids = {**result["voids"]}
    voids |= {cell: reason for cell, reason in follow.items() if cell not in voids}
    sound = {
        cell: [] if cell in voids else [block for block in mine if not block["void"]]
        for cell, mine in by_cell.items()
    }
    price = result["settings"]["price_per_vcpu_hour"]
    return {
        **result,
        "blocks": blocks,
        "voids": voids,
        "complete": not voids
        and not result["interrupted"]
        and all(verdict["passed"] for verdict in result["verdicts"]),
        "summary": {cell: _summary(mine, price, voids.get(cell)) for cell, mine in sound.items()},
        "comparisons": _comparisons(result["cells"], result["targets"], sound, baselines),
    }


def block_void(block: Tally) -> str | None:
    """Why the generator's part in a block is too large for its figures to count."""
    # One that others crowd out is at its limit as well, and uses less.
    busy_s = block["generator_cpu_s"] + (block.get("generator_waited_s") or 0.0)
    share = busy_s / block["window_s"] if block["window_s"] else 0.0
    if share > BUSY_GENERATOR:
        return f"the generator used, or waited for, {100 * share:.0f} % of a core"
    for name, stream in block["streams"].items():
        if stream["model"] != "open" or not stream["lag"]:
            continue
        late = block_percentile(stream["lag"], 0.99)
        whole = block_percentile(stream["latency"], 0.99)
        if late is not None and whole is not None and late > LAG_SHARE * whole:
            return (
                f"stream {name}: the generator was {late / 1000:.3g} ms late at p99, "
                f"latency p99 is {whole / 1000:.3g} ms"
            )
    return None


def cell_void(blocks: Sequence[Block]) -> str | None:
    faults = [fault for block in blocks for fault in block["faults"]]
    if faults:
        return str(faults[0])
    reasons = [block["void"] for block in blocks if block["void"]]
    if len(reasons) > VOID_BLOCKS * len(blocks):
        return f"{len(reasons)} of {len(blocks)} blocks are void; the first: {reasons[0]}"
    return None


def only_generator_failed(result: Result) -> bool:
    """Whether all voids come from a generator that was late or at its limit: every answer
    was right, and every server lived."""
    reasons = {
        cell: cell_void([block for block in result["blocks"] if block["cell"] == cell])
        for cell in result["voids"]
    }
    return reasons == result["voids"] and not any(block["faults"] for block in result["blocks"])


def main_stream(block: Tally) -> StreamTally:
    streams = block["streams"]
    return next(streams[name] for name in ("main", "hot", "io") if name in streams)


def throughput(block: Tally) -> float | None:
    completed = main_stream(block)["completed"]
    return completed / block["window_s"] if completed and block["window_s"] else None


def cpu_s_per_request(block: Tally) -> float | None:
    """Of server and sidecar together; None where the window never closed or nothing came."""
    completed = sum(stream["completed"] for stream in block["streams"].values())
    if not completed or block["usage"] is None:
        return None
    return sum(usage["cpu_s"] for usage in block["usage"].values()) / completed


def per_core(block: Tally) -> float | None:
    spent = cpu_s_per_request(block)
    return 1 / spent if spent else None


def median_ms(block: Tally) -> float | None:
    value = block_percentile(main_stream(block)["latency"], 0.5)
    return None if value is None else value / 1000


METRICS = {"throughput_rps": throughput, "per_core_rps": per_core, "p50_ms": median_ms}


def known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _summary(blocks: Sequence[Block], price: Mapping[str, Any] | None, void: str | None) -> Summary:
    names = {name: None for block in blocks for name in block["streams"]}
    streams = {name: [b["streams"][name] for b in blocks] for name in names}
    lags = latencies([s["lag"] for mine in streams.values() for s in mine if s["model"] == "open"])
    loop = [lag for block in blocks if (lag := block.get("loop_lag"))]
    return {
        "requests": sum(s["completed"] for mine in streams.values() for s in mine),
        "throughput_rps": spread(known([throughput(block) for block in blocks])),
        "latency_ms": {name: latencies([s["latency"] for s in m]) for name, m in streams.items()},
        "lag_ms": lags and {"p99": lags["p99"]},
        "loop_lag_ms": latencies(loop) if loop else None,
        "generator_cpu_share": spread(
            [block["generator_cpu_s"] / block["window_s"] for block in blocks if block["window_s"]]
        ),
        "per_core_rps": spread(known([per_core(block) for block in blocks])),
        "cost_per_million": _cost(blocks, price),
        "server": _of_role("server", blocks),
        "sidecar": _of_role("sidecar", blocks),
        "void": void,
    }


def _cost(blocks: Sequence[Block], price: Mapping[str, Any] | None) -> Cost | None:
    """vCPU-hours of a million requests, and their price where the user gave one.

    It is the price of the CPU time alone: not that of cores that idle, memory or traffic.
    """
    hours = [s * 1e6 / 3600 for s in known([cpu_s_per_request(block) for block in blocks])]
    spent = spread(hours)
    if spent is None:
        return None
    if price is None:
        return {"vcpu_hours": spent, "price": None}
    amount = spread([hour * price["amount"] for hour in hours])
    return {"vcpu_hours": spent, "price": {"amount": amount, "currency": price["currency"]}}


def _of_role(role: Role, blocks: Sequence[Block]) -> RoleSummary:
    used = [(block, usage[role]) for block in blocks if (usage := block["usage"]) is not None]
    peaks = [peak for _, usage in used if (peak := usage["peak_memory_bytes"]) is not None]
    return {
        "processes": max((usage["processes"] for _, usage in used), default=0),
        "cpu_ms_per_request": spread(
            [
                1000 * usage["cpu_s"] / completed
                for block, usage in used
                if (completed := sum(s["completed"] for s in block["streams"].values()))
            ]
        ),
        "peak_memory_bytes": max(peaks, default=None) if len(peaks) == len(used) else None,
    }


def _comparisons(
    cells: Sequence[CellFacts],
    targets: Mapping[str, TargetFacts],
    sound: Mapping[str, Sequence[Block]],
    baselines: Sequence[str],
) -> list[Comparison]:
    loads: dict[tuple[object, ...], list[CellFacts]] = defaultdict(list)
    for cell in cells:
        if cell["section"] in COMPARED:
            loads[*load_of(cell).values(), cell["rate_rps"]].append(cell)
    return [
        {
            **load_of(numerator),
            "numerator": numerator["target"],
            "denominator": denominator["target"],
            "metric": metric,
            "ratio": ratio.value,
            "low": ratio.low,
            "high": ratio.high,
            "pairs": count,
        }
        for same_load in loads.values()
        for numerator, denominator in _compared(same_load, targets, baselines)
        for metric, (ratio, count) in ratios(
            _same_round(sound[numerator["id"]], sound[denominator["id"]])
        ).items()
    ]


def ratios(pairs: Sequence[tuple[Block, Block]]) -> dict[str, tuple[Ratio, int]]:
    """By metric the ratio of paired blocks, and the number of pairs."""
    found: dict[str, tuple[Ratio, int]] = {}
    for metric, value in METRICS.items():
        logs = [log(x / y) for a, b in pairs if (x := value(a)) and (y := value(b))]
        if logs:
            found[metric] = mean_ratio(logs), len(logs)
    if pairs:
        upper, lower = ([main_stream(b)["latency"] for b in blocks] for blocks in zip(*pairs))
        if tail := percentile_ratio(upper, lower, 0.99, paired=True):
            found["p99_ms"] = tail, len(pairs)
    return found


def _compared(
    cells: Sequence[CellFacts], targets: Mapping[str, TargetFacts], baselines: Sequence[str]
) -> list[tuple[CellFacts, CellFacts]]:
    """Numerators and denominators among cells under the same load."""
    if cells[0]["section"] == "twins":
        by_target = {cell["target"]: cell for cell in cells}
        return [
            (cell, by_target[first])
            for cell in cells
            if (first := targets[cell["target"]]["twin_of"]) in by_target
        ]
    denominators = [
        cell
        for cell in cells
        if targets[cell["target"]]["kind"] == "gateway" or cell["target"] in baselines
    ]
    return [
        (cell, base)
        for base in denominators
        for cell in cells
        if cell is not base and targets[cell["target"]]["kind"] == "service"
    ]


def _same_round(upper: Sequence[Block], lower: Sequence[Block]) -> list[tuple[Block, Block]]:
    """Drift between rounds cancels out of such pairs."""
    others = {block["round"]: block for block in lower}
    return [(block, others[block["round"]]) for block in upper if block["round"] in others]
