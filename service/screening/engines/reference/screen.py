"""`screen`, as the definition reads."""

from __future__ import annotations

import numpy as np

from service.packed import CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import (
    BONUS_THRESHOLD,
    PREFIX_LENGTH,
    PREFIX_WEIGHT,
    Hits,
)


def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    names = CodePoints(index.offsets, index.data).texts()
    rows = np.full((len(queries), limit), -1, dtype=np.int32)
    scores = np.zeros((len(queries), limit))
    for q, query in enumerate(queries.texts()):
        scored = ((jaro_winkler(query, name), int(row)) for name, row in zip(names, index.rows))
        hits = sorted((-score, row) for score, row in scored if score >= cutoff)[:limit]
        for place, (negative, row) in enumerate(hits):
            rows[q, place] = row
            scores[q, place] = -negative
    return rows, scores


def jaro_winkler(a: str, b: str) -> float:
    if not a and not b:
        return 1.0
    window = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(a)
    matched_b = []
    for j, char in enumerate(b):
        for i in range(max(0, j - window), min(len(a), j + window + 1)):
            if not taken[i] and a[i] == char:
                taken[i] = True
                matched_b.append(char)
                break
    m = len(matched_b)
    if m == 0:
        return 0.0
    matched_a = [char for char, hit in zip(a, taken) if hit]
    t = sum(x != y for x, y in zip(matched_a, matched_b)) // 2
    s = m / len(a)
    s += m / len(b)
    s += (m - t) / m
    s /= 3
    if s > BONUS_THRESHOLD:
        prefix = 0
        while prefix < min(PREFIX_LENGTH, len(a), len(b)) and a[prefix] == b[prefix]:
            prefix += 1
        s += prefix * PREFIX_WEIGHT * (1 - s)
    return s
