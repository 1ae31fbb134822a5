"""`nearest`, as the definition reads."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

from service.nearest.contract.kernels import Found


def nearest(points: NDArray[np.float64], places: NDArray[np.float64]) -> Found:
    all_places = places.tolist()
    found = [_nearest(point, all_places) for point in points.tolist()]
    rows = np.array([row for _, row in found], dtype=np.int32)
    squares = np.array([square for square, _ in found], dtype=np.float64)
    return rows, squares


def _nearest(point: list[float], places: list[list[float]]) -> tuple[float, int]:
    """The least (square, row), so that of equal squares the lower row comes first."""
    pairs = ((_square(point, place), row) for row, place in enumerate(places))
    return min(pairs, default=(inf, -1))


def _square(point: list[float], place: list[float]) -> float:
    x, y, z = (a - b for a, b in zip(point, place))
    return x * x + y * y + z * z
