"""Medians, percentiles and ratios with their intervals, by seeded bootstrap; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.lab.histogram import GROWTH
from loadtests.lab.records import Bounds, Latency, Pairs, Spread

RESAMPLES = 2000
SEED = 20260101
MIN_BLOCKS = 3  # fewer have no interval
MIN_BEYOND = 5  # requests that must lie beyond a percentile for it to be shown
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

Floats = NDArray[np.float64]


class Ratio(NamedTuple):
    """With the bounds of its interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


# Student's t, 97.5 %, for 1 to 30 degrees of freedom (any table of it; NIST/SEMATECH 1.3.6.7.2).
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_Z = 1.960


@lru_cache(maxsize=64)
def resamples(n: int) -> NDArray[np.intp]:
    """RESAMPLES times n places drawn from n with replacement; the same for equal n."""
    return np.random.default_rng([SEED, n]).integers(0, n, (RESAMPLES, n))


@lru_cache(maxsize=64)
def _weights(n: int) -> Floats:
    """How often each resample drew each place."""
    counts = np.zeros((RESAMPLES, n))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], resamples(n)), 1)
    return counts


def spread(values: Sequence[float]) -> Spread | None:
    """The median over blocks and its interval; None without any block."""
    if not values:
        return None
    array = np.asarray(values, dtype=float)
    low: float | None = None
    high: float | None = None
    if len(array) >= MIN_BLOCKS:
        medians = np.median(array[resamples(len(array))], axis=1)
        low, high = (float(bound) for bound in np.percentile(medians, (2.5, 97.5)))
    return {"median": float(np.median(array)), "low": low, "high": high, "blocks": len(array)}


def widening(n: int) -> float:
    """What a percentile bootstrap of a mean lacks with few observations: it takes the normal
    law for Student's, and divides by n for n - 1. Without it 95 % would be 82 % at n = 5."""
    return (_T[n - 2] if n <= len(_T) + 1 else _Z) / _Z * float(np.sqrt(n / (n - 1)))


def interval(center: float, resampled: Floats, n: int) -> tuple[float, float]:
    """Of a logarithm of n observations; the bounds are those of the value itself."""
    low, high = np.percentile(resampled, (2.5, 97.5))
    wider = widening(n)
    return (
        float(np.exp(center - wider * (center - low))),
        float(np.exp(center + wider * (high - center))),
    )


def mean_ratio(log_ratios: Sequence[float]) -> Ratio:
    """The geometric mean of paired ratios, of which the logarithms are given, one at least."""
    logs = np.asarray(log_ratios, dtype=float)
    center = float(logs.mean())
    n = len(logs)
    ratio = float(np.exp(center))
    if n < MIN_BLOCKS:
        return Ratio(ratio)
    return Ratio(ratio, *interval(center, logs[resamples(n)].mean(axis=1), n))


@dataclass(frozen=True, slots=True)
class Counted:
    """Histograms of several blocks: cumulative counts, blocks by bucket, of the buckets that
    any of them has."""

    buckets: NDArray[np.int64]
    cumulative: Floats

    @classmethod
    def of(cls, histograms: Sequence[Pairs]) -> Counted:
        buckets = np.unique([pair[0] for pairs in histograms for pair in pairs]).astype(np.int64)
        counts = np.zeros((len(histograms), len(buckets)))
        for row, pairs in enumerate(histograms):
            if pairs:
                found, number = np.asarray(pairs, dtype=np.int64).T
                counts[row, np.searchsorted(buckets, found)] = number
        return cls(buckets, counts.cumsum(axis=1))

    @property
    def total(self) -> float:
        return float(self.cumulative[:, -1].sum()) if self.buckets.size else 0.0

    def pooled(self, shares: Sequence[float]) -> Floats:
        """Percentiles of all blocks' values, in microseconds."""
        together = self.cumulative.sum(axis=0, keepdims=True)
        return _percentiles(self.buckets, together, shares).reshape(-1)

    def resampled(self, shares: Sequence[float]) -> Floats:
        """The same of RESAMPLES draws of blocks; shape RESAMPLES by shares."""
        drawn = _weights(len(self.cumulative)) @ self.cumulative
        return _percentiles(self.buckets, drawn, shares)


def _percentiles(buckets: NDArray[np.int64], cumulative: Floats, shares: Sequence[float]) -> Floats:
    """Nearest-rank percentiles, in microseconds, of one histogram a row; shape rows by shares.

    Within its bucket a value lies where its rank does, on the bucket's log axis: it is
    within 1 % of the value measured, and two histograms do not differ by whole buckets.
    """
    total = cumulative[:, -1]
    rows = np.arange(len(cumulative))
    values = np.empty((len(cumulative), len(shares)))
    for column, share in enumerate(shares):
        # A rank that floating point puts a hair above a whole number is that number.
        rank = np.maximum(np.ceil(total * share - 1e-6), 1)
        place = (cumulative >= rank[:, None]).argmax(axis=1)
        before = np.where(place > 0, cumulative[rows, place - 1], 0)
        part = (rank - before - 0.5) / np.maximum(cumulative[rows, place] - before, 1)
        values[:, column] = GROWTH ** (buckets[place] + part)
    return values


def enough(total: float, share: float) -> bool:
    return total * (1 - share) >= MIN_BEYOND - 1e-6


def latencies(histograms: Sequence[Pairs]) -> Latency | None:
    """p50 to p999 and max, in ms, of all blocks' requests, with their intervals; None
    without any request. See schema.md."""
    counted = Counted.of(histograms)
    if not counted.total:
        return None
    known = {name: share for name, share in PERCENTILES.items() if enough(counted.total, share)}
    shares = list(known.values())
    values = counted.pooled(shares)
    figures = {name: float(value) / 1000 for name, value in zip(known, values)}
    intervals: dict[str, Bounds] = dict.fromkeys(PERCENTILES)
    n = len(histograms)
    if n >= MIN_BLOCKS and known:
        drawn = np.log(counted.resampled(shares))
        for column, name in enumerate(known):
            low, high = interval(float(np.log(values[column])), drawn[:, column], n)
            intervals[name] = [low / 1000, high / 1000]
    return {
        "p50": figures.get("p50"),
        "p90": figures.get("p90"),
        "p99": figures.get("p99"),
        "p999": figures.get("p999"),
        "max": float(counted.pooled([1.0])[0]) / 1000,
        "intervals": intervals,
    }


def percentile_ratio(
    numerators: Sequence[Pairs], denominators: Sequence[Pairs], share: float, *, paired: bool
) -> Ratio | None:
    """The ratio of the percentiles of all requests. None where either has too few of them.

    paired: by place: a resample draws the same rounds of both.
    """
    upper, lower = Counted.of(numerators), Counted.of(denominators)
    if not (enough(upper.total, share) and enough(lower.total, share)):
        return None
    ratio = float(upper.pooled([share])[0] / lower.pooled([share])[0])
    n = min(len(numerators), len(denominators))
    if n < MIN_BLOCKS:
        return Ratio(ratio)
    # Reversed, so that equal numbers of blocks do not draw the same places together.
    below = lower.resampled([share])[:: 1 if paired else -1, 0]
    drawn = np.log(upper.resampled([share])[:, 0] / below)
    return Ratio(ratio, *interval(float(np.log(ratio)), drawn, n))


def block_percentile(pairs: Pairs, share: float) -> float | None:
    """Of one block, in microseconds; None where it is empty."""
    return float(Counted.of([pairs]).pooled([share])[0]) if pairs else None
