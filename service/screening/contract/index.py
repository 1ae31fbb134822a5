"""The watchlist's names as `screen` wants them: bit-sliced counts of characters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.packed import CodePoints

BINS = 32  # a code point's bin is its five low bits
PLANE_ALIGNMENT = 8  # words; a plane fills whole 512-bit vectors


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class NameIndex:
    """Normalised names, sorted by length (stable), prepared for `screen`.

    The counts of characters are bit-sliced: a plane is one bit per name, name i's at
    bit i % 64 of word i // 64, padded with zeros. Adding the planes of a query's
    characters gives its common characters with 64 names per word operation.

    offsets: int32[n + 1] and data: uint32[offsets[n]], as in CodePoints.
    planes: uint64[p, w], w = n / 64 rounded up to a multiple of 8. Plane
        plane_starts[b] + k marks the names with more than k code points in bin b
        (code point & 31).
    plane_starts: int32[33]; bin b has plane_starts[b + 1] - plane_starts[b] planes,
        as many as its largest count.
    heads: uint64[2, 32, w]; heads[j, b] marks the names whose code point j is in bin b.
    rows: int32[n], each name's row in the watchlist.
    version: lower-case hex SHA-256 over the bytes of the six arrays in this order.
    """

    offsets: NDArray[np.int32]
    data: NDArray[np.uint32]
    planes: NDArray[np.uint64]
    plane_starts: NDArray[np.int32]
    heads: NDArray[np.uint64]
    rows: NDArray[np.int32]
    version: str

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def build(cls, names: Sequence[str]) -> NameIndex:
        """names: normalised, in watchlist order; may be empty."""
        rows = sorted(range(len(names)), key=lambda row: len(names[row]))
        packed = CodePoints.pack([names[row] for row in rows])
        n, lengths = len(rows), np.diff(packed.offsets)
        bins = (packed.data & (BINS - 1)).astype(np.intp)
        counts = np.bincount(np.repeat(np.arange(n), lengths) * BINS + bins, minlength=n * BINS)
        counts = counts.reshape(n, BINS)
        deepest = counts.max(axis=0, initial=0)
        planes = [counts[:, b] > k for b in range(BINS) for k in range(deepest[b])]
        heads = np.zeros((2, BINS, n), dtype=bool)
        for j in range(2):
            (long_enough,) = np.nonzero(lengths > j)
            heads[j, bins[packed.offsets[long_enough] + j], long_enough] = True
        arrays = (
            packed.offsets,
            packed.data,
            _packed_bits(np.array(planes, dtype=bool).reshape(len(planes), n)),
            np.append(0, np.cumsum(deepest)).astype("<i4"),
            _packed_bits(heads),
            np.array(rows, dtype="<i4"),
        )
        version = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
        for array in arrays:
            array.flags.writeable = False
        return cls(*arrays, version)

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The six arrays, in the order of the version and of the wire."""
        return self.offsets, self.data, self.planes, self.plane_starts, self.heads, self.rows


def _packed_bits(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """[…, n] flags as […, w] words, the first flag in the lowest bit."""
    width = -flags.shape[-1] % (64 * PLANE_ALIGNMENT)
    padded = np.pad(flags, [(0, 0)] * (flags.ndim - 1) + [(0, width)])
    return np.packbits(padded, axis=-1, bitorder="little").view("<u8")
