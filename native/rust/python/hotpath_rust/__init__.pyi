from typing import Any

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

def __getattr__(kernel: str) -> Any:
    """The kernels are the contract's, and stand there alone. The conformance suite compares their
    parameters with it.

    The arrays are read in place, without a copy and without the GIL: no thread may write to them
    during the call. The result is new.

    Raises: TypeError or ValueError that names the argument where an array or a number is not
    what the contract says; MemoryError; KernelPanic.
    """
