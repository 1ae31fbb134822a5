"""Durations to 1 %, in as many buckets as they need, after HdrHistogram's idea.

Bucket k holds values from 1.01^k up to 1.01^(k+1) microseconds; bucket 0 those below
one microsecond as well. result.json has histograms as pairs [k, count], by k.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from loadtests.lab.records import Pairs

GROWTH = 1.01
_PER_BUCKET = 1 / math.log(GROWTH)
_log = math.log


class Histogram:
    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def record(self, seconds: float) -> None:
        us = seconds * 1e6
        self.counts[int(_log(us) * _PER_BUCKET) if us > 1.0 else 0] += 1

    @property
    def total(self) -> int:
        return self.counts.total()

    def pairs(self) -> Pairs:
        return _pairs(self.counts)


def added(histograms: Iterable[Pairs]) -> Pairs:
    counts: Counter[int] = Counter()
    for pairs in histograms:
        for bucket, count in pairs:
            counts[bucket] += count
    return _pairs(counts)


def _pairs(counts: Mapping[int, int]) -> Pairs:
    return [[bucket, count] for bucket, count in sorted(counts.items())]
