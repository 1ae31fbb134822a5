"""`nearest` of the numpy engine: the squares of many pairs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.nearest.contract.kernels import Found

PAIRS = 1 << 16  # at a time: their arrays stay in the cache, and the memory is bounded


def nearest(points: NDArray[np.float64], places: NDArray[np.float64]) -> Found:
    rows = np.full(len(points), -1, dtype=np.int32)
    least = np.full(len(points), np.inf)
    if not len(places):
        return rows, least
    step = max(1, PAIRS // len(places))
    for start in range(0, len(points), step):
        some = points[start : start + step]
        squares = np.zeros((len(some), len(places)))  # zero and a square is that square
        for axis in range(3):
            apart = some[:, axis, np.newaxis] - places[:, axis]
            squares += apart * apart
        rows[start : start + step] = squares.argmin(axis=1)  # of equal ones the first
        least[start : start + step] = squares.min(axis=1)
    return rows, least
