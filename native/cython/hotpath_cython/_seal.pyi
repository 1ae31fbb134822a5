import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs

sha256_source: str
"""Where SHA-256 comes from, for users to read."""

def seal(records: Blobs) -> bytes:
    """Merkle tree hash of the records, in order, by RFC 9162, section 2.1.1.

    SHA-256 is that of the libcrypto which Python's own `_hashlib` is linked to. Where that
    cannot be had, because OpenSSL is part of Python's binary or missing, it is hashlib's:
    then alone, here and in `prove`, the GIL is held. `sha256_source` says so.

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
