import numpy as np
from numpy.typing import NDArray

from service.nearest.contract.kernels import Found

def nearest(points: NDArray[np.float64], places: NDArray[np.float64]) -> Found:
    """Read in place, without the GIL. Raises: TypeError, ValueError."""
