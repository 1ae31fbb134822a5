"""`nearest` of the python engine: one comprehension for all places of a point.

No function is called for a pair, and the least square is found by `min` and `index`, which are
loops in C. Of equal squares `index` gives the first.
"""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

from service.nearest.contract.kernels import Found


def nearest(points: NDArray[np.float64], places: NDArray[np.float64]) -> Found:
    rows = np.full(len(points), -1, dtype=np.int32)
    least = np.full(len(points), inf)
    all_places = places.tolist()
    for i, (px, py, pz) in enumerate(points.tolist() if all_places else ()):
        squares = [
            (x := px - a) * x + (y := py - b) * y + (z := pz - c) * z for a, b, c in all_places
        ]
        least[i] = square = min(squares)
        rows[i] = squares.index(square)
    return rows, least
