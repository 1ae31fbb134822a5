"""Positions on the Earth as vectors, and distances from them: what all engines share.

The Earth is a sphere here, which is wrong by up to 0.6 % of a distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_M = 6_371_008.8
"""The mean radius R1 of the GRS80 ellipsoid, (2a + b) / 3. Source: Moritz (2000), "Geodetic
Reference System 1980", Journal of Geodesy 74, 128-133."""


class Position(NamedTuple):
    """In degrees: lat from -90 to 90, lon from -180 to 180."""

    lat: float
    lon: float


def unit_vectors(positions: Sequence[Position]) -> NDArray[np.float64]:
    """float64[n, 3], read-only: towards (0, 0), (0, 90) and the north pole."""
    # By `math`, a number at a time: that is slower than NumPy's sines and gives one position one
    # vector, wherever it stands in an array, so that a point on a place is 0 m away from it.
    vectors = np.array([_unit_vector(*position) for position in positions]).reshape(-1, 3)
    vectors.flags.writeable = False
    return vectors


def _unit_vector(lat: float, lon: float) -> tuple[float, float, float]:
    phi, lam = radians(lat), radians(lon)
    return cos(phi) * cos(lam), cos(phi) * sin(lam), sin(phi)


def metres(square: float) -> float:
    """Along the great circle, for the square of the straight line through the unit sphere.

    Right to much less than a millimetre, but for the last 20 m before the antipode, where the
    square hardly changes with the distance.
    """
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(square) / 2))
