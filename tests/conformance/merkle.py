"""Checks inclusion proofs, independently of every engine."""

from __future__ import annotations

from hashlib import sha256


def is_proven(record: bytes, place: int, size: int, proof: bytes, root: bytes) -> bool:
    """Whether the proof shows the record at this place among `size`: RFC 9162, 2.1.3.2."""
    siblings = [proof[start : start + 32] for start in range(0, len(proof), 32)]
    if place >= size or len(proof) % 32:
        return False
    # The RFC's fn and sn: the node's place in its level, and that of the last node.
    last, node = size - 1, sha256(b"\0" + record).digest()
    for sibling in siblings:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = sha256(b"\1" + sibling + node).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        place, last = place >> 1, last >> 1
    return last == 0 and node == root
