"""Durations to 1 %, in as many buckets as they need, after HdrHistogram's idea.

Bucket k holds values from 1.01^k up to 1.01^(k+1) microseconds; bucket 0 those below
one microsecond as well. result.json has histograms as pairs [k, count], by k.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

GROWTH = 1.01
_PER_BUCKET = 1 / math.log(GROWTH)
_log = math.log


class Histogram:
    def __init__(self, pairs: Iterable[Sequence[int]] = ()) -> None:
        self.counts: Counter[int] = Counter()
        for bucket, count in pairs:
            self.counts[bucket] += count

    def record(self, seconds: float) -> None:
        us = seconds * 1e6
        self.counts[int(_log(us) * _PER_BUCKET) if us > 1.0 else 0] += 1

    def merge(self, other: Histogram) -> None:
        self.counts.update(other.counts)

    @property
    def total(self) -> int:
        return self.counts.total()

    def percentile(self, q: float) -> float | None:
        """In seconds, within 0.5 % of the value at the nearest rank: the smallest one that
        at least the share q of all do not exceed. None without any value."""
        if not 0 <= q <= 1:
            raise ValueError(f"q: expected 0 to 1, got {q}")
        left = max(math.ceil(q * self.total), 1)
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return float(GROWTH ** (bucket + 0.5)) * 1e-6
        return None

    def pairs(self) -> list[list[int]]:
        return [[bucket, count] for bucket, count in sorted(self.counts.items())]
