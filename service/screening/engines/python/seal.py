"""`seal` and `prove` of the python engine: the tree by levels, from the leaves up.

Pairing neighbours and carrying an odd last node up unchanged gives the tree that RFC 9162
defines from the top, by splitting at the largest power of two.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs


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


def _levels(records: Blobs) -> list[list[bytes]]:
    """The nodes of each level, the leaves first, the root alone in the last; n is 1 at least."""
    levels = [[sha256(b"\0" + record).digest() for record in records.items()]]
    while len(below := levels[-1]) > 1:
        pairs = zip(below[::2], below[1::2])
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs]
        if len(below) % 2:
            level.append(below[-1])
        levels.append(level)
    return levels
