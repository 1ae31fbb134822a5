"""The kernel contract: what every engine implements.

Arrays are NumPy, C-contiguous, little-endian and read-only. Engines get clean input from the
portable callers and return the same answer to the last bit. So a kernel does only what IEEE 754
defines to the last bit (+ - * / and square roots, comparisons), in an order that is stated here.
Sines are not among it: every library rounds them in its own way. What needs them is shared code,
before and after the kernel.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Found: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float64]]
"""(rows, squares), both [q]: each point's nearest place, and the square of their distance."""


class Kernels(Protocol):
    """What the module of an engine provides."""

    def nearest(self, points: NDArray[np.float64], places: NDArray[np.float64]) -> Found:
        """The nearest place of each point, by the straight line between them.

        points: float64[q, 3], finite; q may be 0.
        places: float64[n, 3], finite; n may be 0.
        Returns: see Found; of equally near places the lower row, and where there is no place
            row -1 and an infinite square.
        Raises: nothing for input that keeps the contract.

        Method: every place is looked at. The square is `x*x + y*y + z*z` of the differences
        point - place, each operation rounded to float64, from the left to the right, without
        fused multiply-add.

        On the unit sphere the square is four times the haversine of the angle between the two,
        so that the nearest by this is the nearest along a great circle.

        Source: Sinnott (1984), "Virtues of the Haversine", Sky and Telescope 68, 159:
            hav(angle) = sin(angle / 2)^2, and a chord is 2 sin(angle / 2) long.
        """
        ...
