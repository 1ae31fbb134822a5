"""`seal` and `prove`, as RFC 9162 defines them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs


def seal(records: Blobs) -> bytes:
    return tree_hash(records.items())


def prove(records: Blobs, places: NDArray[np.int32]) -> list[bytes]:
    leaves = records.items()
    return [b"".join(path(place, leaves)) for place in places.tolist()]


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1."""
    n = len(leaves)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return leaf_hash(leaves[0])
    k = split(n)
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1."""
    n = len(leaves)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def leaf_hash(record: bytes) -> bytes:
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(n: int) -> int:
    """The largest power of two below n; n is 2 at least."""
    return 1 << (n - 1).bit_length() - 1
