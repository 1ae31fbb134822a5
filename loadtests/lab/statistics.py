"""From raw blocks to the figures of the report; pure but for the result that it fills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from loadtests.lab import cost
from loadtests.lab.domain import BASELINES
from loadtests.lab.resampling import (
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

Block = Mapping[str, Any]
Cell = Mapping[str, Any]


def summarise(result: dict[str, Any]) -> None:
    """Fills in `summary`, `comparisons`, each block's `void` and the voids that follow from
    them; a result with voids is not complete. See schema.md."""
    by_cell: dict[str, list[dict[str, Any]]] = {cell["id"]: [] for cell in result["cells"]}
    for block in result["blocks"]:
        block["void"] = block_void(block)
        by_cell[block["cell"]].append(block)
    for cell, blocks in by_cell.items():
        if cell not in result["voids"] and (reason := cell_void(blocks)):
            result["voids"][cell] = reason
    result["complete"] = bool(result.get("complete", True)) and not result["voids"]
    sound: dict[str, Sequence[Block]] = {
        cell: [] if cell in result["voids"] else [b for b in blocks if not b["void"]]
        for cell, blocks in by_cell.items()
    }
    price = result["settings"]["price_per_vcpu_hour"]
    result["summary"] = {
        cell: _summary(sound[cell], price) | {"void": result["voids"].get(cell)} for cell in by_cell
    }
    result["comparisons"] = _comparisons(result["cells"], result["targets"], sound)


def block_void(block: Block) -> str | None:
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


def only_generator_failed(result: Mapping[str, Any]) -> bool:
    """Whether all voids come from a generator that was late or at its limit: every answer
    was right, and every server lived."""
    reasons = {
        cell: cell_void([block for block in result["blocks"] if block["cell"] == cell])
        for cell in result["voids"]
    }
    return reasons == result["voids"] and not any(block["faults"] for block in result["blocks"])


def main_stream(block: Block) -> Mapping[str, Any]:
    streams = block["streams"]
    found: Mapping[str, Any] = next(streams[n] for n in ("main", "hot", "io") if n in streams)
    return found


def throughput(block: Block) -> float | None:
    completed = main_stream(block)["completed"]
    return completed / block["window_s"] if completed and block["window_s"] else None


def per_core(block: Block) -> float | None:
    spent = cost.cpu_s_per_request(block)
    return 1 / spent if spent else None


def median_ms(block: Block) -> float | None:
    value = block_percentile(main_stream(block)["latency"], 0.5)
    return None if value is None else value / 1000


METRICS = {"throughput_rps": throughput, "per_core_rps": per_core, "p50_ms": median_ms}


def known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _summary(blocks: Sequence[Block], price: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {name: None for block in blocks for name in block["streams"]}
    streams = {name: [b["streams"][name] for b in blocks] for name in names}
    lags = latencies([s["lag"] for mine in streams.values() for s in mine if s["model"] == "open"])
    loop = [block["loop_lag"] for block in blocks if block.get("loop_lag")]
    figures: dict[str, Any] = {
        "requests": sum(s["completed"] for mine in streams.values() for s in mine),
        "throughput_rps": spread(known([throughput(block) for block in blocks])),
        "latency_ms": {name: latencies([s["latency"] for s in m]) for name, m in streams.items()},
        "lag_ms": lags and {"p99": lags["p99"]},
        "loop_lag_ms": latencies(loop) if loop else None,
        "generator_cpu_share": spread(
            [block["generator_cpu_s"] / block["window_s"] for block in blocks if block["window_s"]]
        ),
        "per_core_rps": spread(known([per_core(block) for block in blocks])),
        "cost_per_million": cost.per_million(blocks, price),
    }
    for role in ("server", "sidecar"):
        used = [(block, block["usage"][role]) for block in blocks if block["usage"] is not None]
        peaks = [usage["peak_memory_bytes"] for _, usage in used]
        figures[role] = {
            "processes": max((usage["processes"] for _, usage in used), default=0),
            "cpu_ms_per_request": spread(
                [
                    1000 * usage["cpu_s"] / completed
                    for block, usage in used
                    if (completed := sum(s["completed"] for s in block["streams"].values()))
                ]
            ),
            "peak_memory_bytes": None if None in peaks else max(peaks, default=None),
        }
    return figures


def _comparisons(
    cells: Sequence[Cell],
    targets: Mapping[str, Mapping[str, Any]],
    sound: Mapping[str, Sequence[Block]],
) -> list[dict[str, Any]]:
    loads: dict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell["section"] in COMPARED:
            load = ("section", "scenario", "model", "users", "rate_rps", "items", "work")
            loads[tuple(cell[field] for field in load)].append(cell)
    found = []
    for same_load in loads.values():
        for numerator, denominator in _pairs(same_load, targets):
            pairs = _same_round(sound[numerator["id"]], sound[denominator["id"]])
            common = {
                field: numerator[field]
                for field in ("section", "scenario", "model", "users", "items", "work")
            }
            common |= {"numerator": numerator["target"], "denominator": denominator["target"]}
            for metric, (ratio, interval, n) in ratios(pairs).items():
                low, high = interval or (None, None)
                figures = {"ratio": ratio, "low": low, "high": high, "pairs": n}
                found.append({**common, "metric": metric, **figures})
    return found


def ratios(
    pairs: Sequence[tuple[Block, Block]],
) -> dict[str, tuple[float, tuple[float, float] | None, int]]:
    """By metric the ratio of paired blocks, its interval and the number of pairs."""
    found: dict[str, tuple[float, tuple[float, float] | None, int]] = {}
    for metric, value in METRICS.items():
        logs = [log(x / y) for a, b in pairs if (x := value(a)) and (y := value(b))]
        if logs:
            found[metric] = (*mean_ratio(logs), len(logs))
    if pairs:
        upper, lower = ([main_stream(b)["latency"] for b in blocks] for blocks in zip(*pairs))
        if tail := percentile_ratio(upper, lower, 0.99):
            found["p99_ms"] = (*tail, len(pairs))
    return found


def _pairs(
    cells: Sequence[Cell], targets: Mapping[str, Mapping[str, Any]]
) -> list[tuple[Cell, Cell]]:
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
        if targets[cell["target"]]["kind"] == "gateway" or cell["target"] in BASELINES
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
