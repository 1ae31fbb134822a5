"""The kernel contract: what every engine implements.

Arrays are NumPy, C-contiguous, little-endian and read-only. Engines get clean
input from the portable callers and return the same answer to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs, CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.payment_rules import RuleTables

PREFIX_WEIGHT = 0.1
PREFIX_LENGTH = 4
BONUS_THRESHOLD = 0.7  # the prefix bonus is given only where Jaro is above this

Hits: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float64]]
"""(rows, scores), both [queries, limit], best first, equal scores by lower row;
unused places hold row -1 and score 0."""


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
