from numpy import int32, uint32
from numpy.typing import NDArray

from service.screening.contract.kernels import Blobs, CodePoints, Hits, NameIndex, PaymentColumns
from service.screening.contract.payment_rules import RuleTables

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

def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    """The best matches of each query by Jaro-Winkler similarity, as `Kernels.screen` of
    `service.screening.contract.kernels` defines it.

    The arrays are read in place, without a copy and without the GIL: no thread may write
    to them during the call. The result is new.

    Raises: TypeError or ValueError that names the argument where an array or a number is
    not what the contract says; MemoryError; KernelPanic.
    """

def validate(payments: PaymentColumns, rules: RuleTables) -> NDArray[uint32]:
    """The broken rules of each payment, as bits of `Violation` of
    `service.screening.contract.payment_rules`; `Kernels.validate` defines it.

    Returns: uint32[n].

    The arrays are read in place, and errors are raised, as by `screen`.
    """

def seal(records: Blobs) -> bytes:
    """Merkle tree hash of the records (RFC 9162, section 2.1.1), as `Kernels.seal`
    defines it.

    Returns: 32 bytes; for no records the SHA-256 of nothing.

    The arrays are read in place, and errors are raised, as by `screen`.
    """

def prove(records: Blobs, places: NDArray[int32]) -> list[bytes]:
    """The inclusion proof of each of the places (RFC 9162, section 2.1.3.1), as
    `Kernels.prove` defines it.

    places: 0 to n - 1, in any order.
    Returns: for each place its nodes from the leaf's sibling up, 32 bytes each, joined.

    The records are read in place, the places copied; errors are raised as by `screen`.
    """
