"""`seal`, `prove` and `verify` of the numpy engine.

NumPy cannot hash: SHA-256 in its operations takes four times as long as hashlib takes. What it
does is lay out each level's nodes in one buffer with their prefixes, so that the loop over
them makes no copies.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from service.domain.kernels import Blobs
from service.domain.kernels_python.seal import verify

__all__ = ["prove", "seal", "verify"]

_HASH_BYTES = 32


def seal(records: Blobs) -> bytes:
    return _levels(records)[-1].tobytes() if len(records) else sha256().digest()


def prove(records: Blobs, places: NDArray[np.int32]) -> list[bytes]:
    levels = _levels(records)[:-1] if len(places) else []
    proofs = []
    for place in places.tolist():
        siblings = [
            level[place >> height ^ 1].tobytes()
            for height, level in enumerate(levels)
            if place >> height ^ 1 < len(level)
        ]
        proofs.append(b"".join(siblings))
    return proofs


def _levels(records: Blobs) -> list[NDArray[np.uint8]]:
    """[nodes, 32] of each level, the leaves first; n is 1 at least."""
    ends = records.offsets.astype(np.intp)
    prefixed = np.insert(records.data, ends[:-1], 0)
    levels = [_hashes(prefixed, ends + np.arange(len(ends)))]
    while len(below := levels[-1]) > 1:
        pairs = len(below) // 2
        nodes = np.ones((pairs, 1 + 2 * _HASH_BYTES), dtype=np.uint8)
        nodes[:, 1:] = below[: 2 * pairs].reshape(pairs, 2 * _HASH_BYTES)
        level = _hashes(nodes.reshape(-1), np.arange(pairs + 1) * nodes.shape[1])
        levels.append(np.concatenate([level, below[2 * pairs :]]))
    return levels


def _hashes(data: NDArray[np.uint8], ends: NDArray[np.intp]) -> NDArray[np.uint8]:
    """[n, 32]: the SHA-256 of each stretch between two of the n + 1 ends."""
    view = data.data
    bounds = ends.tolist()
    digests = [sha256(view[start:end]).digest() for start, end in pairwise(bounds)]
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, _HASH_BYTES)
