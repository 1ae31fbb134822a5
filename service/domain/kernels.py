"""The kernel contract: what every engine implements, and the arrays it works on.

Arrays are NumPy, C-contiguous, little-endian and read-only. Engines get clean
input from the portable callers and return the same answer to the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

PREFIX_WEIGHT = 0.1
PREFIX_LENGTH = 4
BONUS_THRESHOLD = 0.7  # the prefix bonus is given only where Jaro is above this

BINS = 32  # a code point's bin is its five low bits
BIN_DEPTH = 4  # occurrences that a bin can count; the rest goes to the overflow

Hits: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float64]]
"""(rows, scores), both [queries, limit], best first, equal scores by lower row;
unused places hold row -1 and score 0."""


def _frozen(array: NDArray) -> NDArray:
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, eq=False)
class CodePoints:
    """Packed text: item i is data[offsets[i]:offsets[i + 1]].

    offsets: int32[n + 1], starts at 0, never falls.
    data: uint32[offsets[n]], one Unicode code point each.
    """

    offsets: NDArray[np.int32]
    data: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def pack(cls, texts: Sequence[str]) -> CodePoints:
        """Raises UnicodeEncodeError for lone surrogates, which no caller lets through."""
        data = np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4")
        offsets = np.fromiter(
            accumulate(map(len, texts), initial=0), dtype="<i4", count=len(texts) + 1
        )
        return cls(offsets=_frozen(offsets), data=data)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class NameIndex:
    """Normalised names, sorted by length (stable), prepared for `screen`.

    offsets: int32[n + 1] and data: uint32[offsets[n]], as in CodePoints.
    bags: uint64[n, 2], the count of each bin (code point & 31) in thermometer
        code: bin b has bits 4*(b % 16) to 4*(b % 16) + 3 of word b // 16, and a
        count of 3 reads 0b0111. The population count of the AND of two bags is
        the sum over bins of min(count_a, count_b, 4).
    overflows: uint16[n], the sum over bins of what lies above 4. Adding
        min(overflow_a, overflow_b) keeps the bound exact.
    rows: int32[n], each name's row in the watchlist.
    version: lower-case hex SHA-256 over the bytes of the five arrays in this order.
    """

    offsets: NDArray[np.int32]
    data: NDArray[np.uint32]
    bags: NDArray[np.uint64]
    overflows: NDArray[np.uint16]
    rows: NDArray[np.int32]
    version: str

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def build(cls, names: Sequence[str]) -> NameIndex:
        """names: normalised, in watchlist order; may be empty."""
        rows = sorted(range(len(names)), key=lambda row: len(names[row]))
        packed = CodePoints.pack([names[row] for row in rows])
        bags, overflows = bags_of(packed)
        arrays = (packed.offsets, packed.data, bags, overflows, np.array(rows, dtype="<i4"))
        version = hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()
        return cls(*map(_frozen, arrays), version=version)


def bags_of(names: CodePoints) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """The bags uint64[n, 2] and overflows uint16[n] of packed names; see NameIndex."""
    n = len(names)
    owner = np.repeat(np.arange(n), np.diff(names.offsets))
    cells = owner * BINS + (names.data & (BINS - 1))
    counts = np.bincount(cells, minlength=n * BINS).reshape(n, BINS)
    held = np.minimum(counts, BIN_DEPTH)
    thermometer = (np.uint64(1) << held.astype(np.uint64)) - np.uint64(1)
    shifts = np.arange(16, dtype=np.uint64) * np.uint64(BIN_DEPTH)
    bags = np.bitwise_or.reduce(thermometer.reshape(n, 2, 16) << shifts, axis=2)
    return bags.astype("<u8"), (counts - held).sum(axis=1).astype("<u2")


class Kernels(Protocol):
    """What the module of an engine provides."""

    def screen(self, queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
        """The best matches of each query by Jaro-Winkler similarity.

        queries: q normalised names; q may be 0, and so may a name's length.
        index: may be empty.
        cutoff: 0 to 1; hits score at least this.
        limit: 1 to 1000 hits per query.
        Returns: see Hits.
        Raises: nothing for input that keeps the contract.

        Method: names that cannot reach the cutoff are discarded by an upper bound:
        with c at least the number of common characters, Jaro is at most
        (c/|a| + c/|b| + 1)/3; on top of it comes the bonus of the true common prefix.
        The rest is scored, with a the query and b the name: window
        max(|a|, |b|)//2 - 1 (0 at least); each code point of b in turn takes the first free equal
        one of a within the window; m matches, t the halved number of matches that
        are out of order, rounded down; `s = m/|a|; s += m/|b|; s += (m - t)/m; s /= 3`, and where s > 0.7,
        `s += p * 0.1 * (1 - s)` with p the common prefix, 4 at most. All float64, in
        this order, without fused multiply-add. m = 0 scores 0, two empty names score 1.

        Source: Winkler (1990), "String Comparator Metrics and Enhanced Decision Rules
        in the Fellegi-Sunter Model of Record Linkage"; equal to RapidFuzz's
        JaroWinkler.similarity to the last bit.
        """
        ...
