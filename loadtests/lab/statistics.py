"""From raw blocks to figures: pure functions, no input or output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

PERCENTILES = (50, 90, 99)
MIN_BEYOND = 5  # observations that must lie beyond a percentile for it to be shown


def percentile(counts: Mapping[int, int], percent: int) -> int | None:
    """The nearest-rank percentile of counted values: the smallest value that at least
    `percent` % of the observations do not exceed.

    None where fewer than MIN_BEYOND observations are expected beyond it: p99 takes
    500 observations, p90 takes 50, the median 10.
    """
    total = sum(counts.values())
    if total * (100 - percent) < MIN_BEYOND * 100:
        return None
    rank = -(-total * percent // 100)
    for value in sorted(counts):
        rank -= counts[value]
        if rank <= 0:
            return value
    raise AssertionError("the rank lies within the total")


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median, minimum and maximum over rounds; None without any."""
    if not values:
        return None
    return {"median": median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def paired_ratios(
    numerators: Mapping[int, float], denominators: Mapping[int, float]
) -> list[float]:
    """Round by round, where both have one: drift between rounds cancels out."""
    return [
        numerators[round_] / denominators[round_]
        for round_ in sorted(numerators.keys() & denominators.keys())
    ]


def pooled_latency(blocks: Iterable[Mapping[str, Any]]) -> tuple[Counter[int], float]:
    """All blocks' latencies as counts, and their unit in ms."""
    counts: Counter[int] = Counter()
    unit_ms = None
    for block in blocks:
        if unit_ms not in (None, block["latency_unit_ms"]):
            raise ValueError("latency_unit_ms: expected one for all blocks")
        unit_ms = block["latency_unit_ms"]
        for value, count in block["latency"]:
            counts[value] += count
    return counts, unit_ms or 1.0


def throughput_by_round(blocks: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    return {block["round"]: block["completed"] / block["window_s"] for block in blocks}


def summarise(
    variants: Sequence[str],
    voids: Mapping[str, str],
    blocks: Sequence[Mapping[str, Any]],
    names_per_request: int,
    baselines: Sequence[str],
) -> list[dict[str, Any]]:
    """One row per variant, in their order; see schema.md.

    voids: variants whose figures are void, and why; they get no figures.
    blocks: raw, in any order.
    baselines: variants that the others' throughput is divided by, round by round.
    """
    sound = {
        variant: [] if variant in voids else [b for b in blocks if b["variant"] == variant]
        for variant in variants
    }
    rates = {variant: throughput_by_round(mine) for variant, mine in sound.items()}
    rows = []
    for variant in variants:
        mine = sound[variant]
        latency, unit_ms = pooled_latency(mine)
        row: dict[str, Any] = {
            "variant": variant,
            "void": voids.get(variant),
            "requests": latency.total(),
            "throughput_rps": spread(list(rates[variant].values())),
            "throughput_names_per_s": spread(
                [rate * names_per_request for rate in rates[variant].values()]
            ),
            "latency_ms": {
                f"p{percent}": None if value is None else round(value * unit_ms, 6)
                for percent in PERCENTILES
                for value in [percentile(latency, percent)]
            },
            "speedup": {
                baseline: spread(paired_ratios(rates[variant], rates[baseline]))
                for baseline in baselines
            },
            "generator_cpu_share": spread([b["generator_cpu_s"] / b["window_s"] for b in mine]),
        }
        for role in ("server", "sidecar"):
            peaks = [b["usage"][role]["peak_memory_bytes"] for b in mine]
            row[role] = {
                "processes": max((b["usage"][role]["processes"] for b in mine), default=0),
                "cpu_ms_per_request": spread(
                    [1000 * b["usage"][role]["cpu_s"] / b["completed"] for b in mine]
                ),
                "peak_memory_bytes": None if None in peaks else max(peaks, default=None),
            }
        rows.append(row)
    return rows
