import numpy as np
from numpy.typing import NDArray
from service.domain.payment_rules import RuleTables

from service.screening.contract.kernels import Blobs, CodePoints, Hits, NameIndex, PaymentColumns

__version__: str

build_info: str
"""What users are shown: the kind of build, and where SHA-256 comes from."""

build_profile: str
"""`release`, or `debug` where the bounds checks are compiled in."""

# What follows holds of every function, as `Kernels` in service/screening/contract defines it.
# The arrays are read in place, without a copy and without the GIL: no thread may write to
# them during the call. The result is new. An argument that is not what the contract says is
# a TypeError or ValueError that names it.

def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    """The best matches of each query by Jaro-Winkler similarity.

    queries: q normalised names; q may be 0, and so may a name's length.
    index: may be empty.
    cutoff: 0 to 1; hits score at least this.
    limit: 1 to 1000 hits per query.
    Returns: rows int32[q, limit] and scores float64[q, limit], best first, equal scores by
        lower row; unused places hold row -1 and score 0.
    Raises: TypeError, ValueError, MemoryError.
    """

def validate(payments: PaymentColumns, rules: RuleTables) -> NDArray[np.uint32]:
    """The broken rules of each payment, as bits of Violation.

    payments: n may be 0; items may hold any bytes and may be empty.
    rules: every place of a country is one of the tables, every length 4 to 34.
    Returns: uint32[n].
    Raises: TypeError, ValueError, MemoryError.
    """

def seal(records: Blobs) -> bytes:
    """Merkle tree hash of the records, in order, by RFC 9162, section 2.1.1.

    SHA-256 is that of the libcrypto which Python's own `_hashlib` is linked to. Where that
    cannot be had, because OpenSSL is part of Python's binary or missing, it is hashlib's:
    then alone, here and in `prove` and `verify`, the GIL is held. `build_info` says so.

    records: n byte strings; n may be 0.
    Returns: 32 bytes; for n = 0 the SHA-256 of nothing.
    Raises: TypeError, ValueError; MemoryError from hashlib.
    """

def prove(records: Blobs, places: NDArray[np.int32]) -> list[bytes]:
    """The inclusion proof of each of the places, by RFC 9162, section 2.1.3.1.

    The tree is hashed once for all of them, in memory for its 2n nodes.

    places: int32, 0 to n - 1, in any order.
    Returns: for each place its nodes from the leaf's sibling up, 32 bytes each, joined;
        empty for the only record of a batch.
    Raises: TypeError, ValueError, MemoryError.
    """

def verify(record: bytes, place: int, size: int, proof: bytes, root: bytes) -> bool:
    """Whether the proof shows that the record has this place among `size` records, by
    RFC 9162, section 2.1.3.2.

    place, size: 0 to 2**31 - 1. proof, root: any bytes; of a wrong length, they prove nothing.
    Raises: TypeError, ValueError.
    """

__all__ = [
    "__version__",
    "build_info",
    "build_profile",
    "prove",
    "screen",
    "seal",
    "validate",
    "verify",
]
