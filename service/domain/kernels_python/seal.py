"""`seal`, `prove` and `verify` of the python engine: the tree by levels, from the leaves up.

Pairing neighbours and carrying an odd last node up unchanged gives the tree that RFC 9162
defines from the top, by splitting at the largest power of two.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from service.domain.kernels import Blobs
from service.domain.kernels_reference import items

_HASH_BYTES = 32


def seal(records: Blobs) -> bytes:
    return _levels(records)[-1][0] if len(records) else sha256().digest()


def prove(records: Blobs, places: NDArray[np.int32]) -> list[bytes]:
    levels = _levels(records) if len(places) else []
    proofs = []
    for place in places.tolist():
        siblings = []
        for level in levels:
            if place ^ 1 < len(level):
                siblings.append(level[place ^ 1])
            place >>= 1
        proofs.append(b"".join(siblings))
    return proofs


def verify(record: bytes, place: int, size: int, proof: bytes, root: bytes) -> bool:
    if place >= size or len(proof) % _HASH_BYTES:
        return False
    node, last = sha256(b"\0" + record).digest(), size - 1
    for start in range(0, len(proof), _HASH_BYTES):
        sibling = proof[start : start + _HASH_BYTES]
        while place == last and not place & 1:  # an odd last node has no sibling
            if not last:
                return False  # nodes are left over above the root
            place >>= 1
            last >>= 1
        node = sha256(b"\1" + sibling + node if place & 1 else b"\1" + node + sibling).digest()
        place >>= 1
        last >>= 1
    return not last and node == root


def _levels(records: Blobs) -> list[list[bytes]]:
    """The nodes of each level, the leaves first, the root alone in the last; n is 1 at least."""
    levels = [[sha256(b"\0" + record).digest() for record in items(records)]]
    while len(below := levels[-1]) > 1:
        pairs = zip(below[::2], below[1::2])
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        if len(below) % 2:
            level.append(below[-1])
        levels.append(level)
    return levels
