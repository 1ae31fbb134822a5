"""The kernel contract: what every engine implements, and the arrays it works on.

Arrays are NumPy, C-contiguous, little-endian and read-only. Engines get clean
input from the portable callers and return the same answer to the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.domain.payment_rules import RuleTables

PREFIX_WEIGHT = 0.1
PREFIX_LENGTH = 4
BONUS_THRESHOLD = 0.7  # the prefix bonus is given only where Jaro is above this

BINS = 32  # a code point's bin is its five low bits
PLANE_ALIGNMENT = 8  # words; a plane fills whole 512-bit vectors

Hits: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float64]]
"""(rows, scores), both [queries, limit], best first, equal scores by lower row;
unused places hold row -1 and score 0."""


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
        offsets.flags.writeable = False
        return cls(offsets, data)


@dataclass(frozen=True, slots=True, eq=False)
class Blobs:
    """Packed bytes: item i is data[offsets[i]:offsets[i + 1]].

    offsets: int32[n + 1], starts at 0, never falls.
    data: uint8[offsets[n]].
    """

    offsets: NDArray[np.int32]
    data: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def pack(cls, items: Sequence[bytes]) -> Blobs:
        data = np.frombuffer(b"".join(items), dtype=np.uint8)
        offsets = np.fromiter(
            accumulate(map(len, items), initial=0), dtype="<i4", count=len(items) + 1
        )
        offsets.flags.writeable = False
        return cls(offsets, data)


@dataclass(frozen=True, slots=True, eq=False)
class PaymentColumns:
    """n payments by column, each n items long: the text of each field in UTF-8, as it came."""

    end_to_end_id: Blobs
    debtor_iban: Blobs
    creditor_iban: Blobs
    creditor_bic: Blobs
    currency: Blobs
    amount: Blobs

    def __len__(self) -> int:
        return len(self.amount)


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
        with c the sum over bins of min(count_a, count_b), Jaro is at most
        (c/|a| + c/|b| + 1)/3; on top of it comes the prefix bonus. c is had for 64 names
        at a time by adding, bit-sliced, the first count_a planes of each bin; names of
        one length share one threshold. That of prefix 0 holds for names whose first bin
        differs from the query's, that of prefix 1 where only the second differs (or
        either has no second), that of prefix 4 for the rest. A slack keeps rounding
        from discarding a hit.
        The rest is scored, with a the query and b the name. Each code point of b in turn
        takes the first free equal one of a that is at most max(|a|, |b|)//2 - 1 places
        (0 at least) away. With m matches, and t half the number of matches that are out
        of order, rounded down: `s = m/|a|; s += m/|b|; s += (m - t)/m; s /= 3`, and where
        s > 0.7, `s += p * 0.1 * (1 - s)` with p the common prefix, 4 at most. All of it
        in float64, in this order, without fused multiply-add. No match scores 0, two
        empty names score 1.

        Source: Winkler (1990), "String Comparator Metrics and Enhanced Decision Rules
        in the Fellegi-Sunter Model of Record Linkage"; equal to RapidFuzz's
        JaroWinkler.similarity to the last bit.
        """
        ...

    def validate(self, payments: PaymentColumns, rules: RuleTables) -> NDArray[np.uint32]:
        """The broken rules of each payment, as bits of Violation.

        payments: n may be 0; items may hold any bytes and may be empty.
        Returns: uint32[n].
        Raises: nothing for input that keeps the contract.
        Source: the rules are stated at Violation; ISO 13616-1 (IBAN), ISO 7064 MOD 97-10,
            ISO 9362 (BIC), ISO 4217 (currencies), ISO 20022 pain.001 (formats).
        """
        ...

    def seal(self, records: Blobs) -> bytes:
        """Merkle tree hash of the records, in order.

        records: n byte strings; n may be 0.
        Returns: 32 bytes; for n = 0 the SHA-256 of nothing.
        Raises: nothing; any byte string is a valid record.
        Source: RFC 9162, section 2.1.1.
        """
        ...

    def prove(self, records: Blobs, places: NDArray[np.int32]) -> list[bytes]:
        """The inclusion proof of each of the places, 0 to n - 1, in any order.

        Returns: for each place its nodes from the leaf's sibling up, 32 bytes each, joined;
            empty for the only record of a batch.
        Raises: nothing for input that keeps the contract.
        Source: RFC 9162, section 2.1.3.1.
        """
        ...

    def verify(self, record: bytes, place: int, size: int, proof: bytes, root: bytes) -> bool:
        """Whether the proof shows that the record has this place among `size` records.

        place, size: 0 to 2**31 - 1. proof, root: any bytes; of a wrong length, they prove nothing.
        Sizes are not hashed: a proof holds for every size that gives the place a path of the
        same shape, so the size must come with the root from whoever is trusted for it.
        Raises: nothing.
        Source: RFC 9162, section 2.1.3.2.
        """
        ...
