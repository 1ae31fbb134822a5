import numpy as np
from numpy.typing import NDArray

from service.nearest.contract.kernels import Found

__version__: str

build_info: str
"""Release or debug build, and the processor's features that are looked for at run time."""

class KernelPanic(RuntimeError):
    """A kernel panicked: a defect in hotpath_rust, not in its input."""

def use_threads(count: int) -> None:
    """Lets one large call use so many threads, in the whole process; 1 at first.

    What comes out is the same. A call too small to gain from it stays on its own thread.
    count: at least 1.

    Raises: TypeError, ValueError.
    """

def nearest(points: NDArray[np.float64], places: NDArray[np.float64]) -> Found:
    """The nearest place of each point, as `Kernels.nearest` of
    `service.nearest.contract.kernels` defines it.

    The arrays are read in place, without a copy and without the GIL: no thread may write
    to them during the call. The result is new.

    Raises: TypeError or ValueError that names the argument where an array is not what the
    contract says; MemoryError; KernelPanic.
    """
