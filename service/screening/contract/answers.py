"""What an engine may offer beside the kernels: whole requests, from the body to the answer's.

No engine has to; `FromBody` finds out by looking. Each function takes the request's body, as it
came, and a time in seconds, and returns

- the answer's body, byte for byte the one that the models and the portable code make of it;
- None where the body is not plainly valid: it may be wrong, or only unusual (a member twice, a
  number too large). The other way decides, and has the words;
- a float where the work is expected to take longer than the time: the seconds expected. Then
  nothing of it was begun.

It raises nothing for a body, whatever it is.
"""

from __future__ import annotations

from typing import Protocol

from service.packed import Blobs
from service.screening.contract.folding_tables import FoldingTables
from service.screening.contract.index import NameIndex
from service.screening.contract.payment_rules import RuleTables


class Answers(Protocol):
    def answer_matches(
        self,
        body: bytes,
        within_s: float,
        folding: FoldingTables,
        index: NameIndex,
        rows: Blobs,
        max_names: int,
        max_name_chars: int,
        max_limit: int,
        cutoff: float,
        limit: int,
    ) -> bytes | float | None:
        """MatchRequest to MatchResponse.

        rows: for each row of the list the JSON of its hit, up to the score.
        cutoff, limit: where the request does not say.
        """
        ...

    def answer_validations(
        self,
        body: bytes,
        within_s: float,
        rules: RuleTables,
        names: Blobs,
        warnings: int,
        max_payments: int,
        max_field_chars: int,
        max_name_chars: int,
    ) -> bytes | float | None:
        """ValidationRequest to ValidationResponse.

        names: of the rules, by bit, as the answer has them.
        warnings: the bits of those that are one.
        """
        ...

    def answer_seals(
        self, body: bytes, within_s: float, max_records: int, max_proofs: int
    ) -> bytes | float | None:
        """SealRequest to SealResponse."""
        ...
