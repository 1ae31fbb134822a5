"""What right answers are, from elsewhere than the engines under load.

Hits come from RapidFuzz over the whole list, roots from hashlib. Violations come from the
reference engine in this process, which the conformance suite holds to independent libraries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Protocol

ORACLE_BATCH = 64  # queries scored at once, which bounds the memory taken

Found = list[float]  # row and score


class Entry(Protocol):
    @property
    def row(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def normalized(self) -> str: ...


def brute_force(
    queries: Sequence[str], entries: Sequence[Entry], cutoff: float, limit: int
) -> list[list[Found]]:
    """Per query the best [row, score], by RapidFuzz over the whole list.

    The matrix only preselects, with a margin; each score that is kept comes from
    JaroWinkler.similarity itself, to whose last bit the engines are held.
    """
    import numpy as np
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cdist

    names = [entry.normalized for entry in entries]
    found = []
    for start in range(0, len(queries), ORACLE_BATCH):
        batch = queries[start : start + ORACLE_BATCH]
        matrix = cdist(batch, names, scorer=JaroWinkler.similarity, dtype=np.float64, workers=-1)
        for query, scores in zip(batch, matrix, strict=True):
            hits = [
                [entries[i].row, JaroWinkler.similarity(query, names[i])]
                for i in np.flatnonzero(scores >= cutoff - 1e-6).tolist()
            ]
            hits = [hit for hit in hits if hit[1] >= cutoff]
            found.append(sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit])
    return found


def merkle_root(records: Sequence[bytes]) -> bytes:
    """Merkle tree hash. Source: RFC 9162, section 2.1.1, as it is written there."""
    if not records:
        return hashlib.sha256(b"").digest()
    if len(records) == 1:
        return hashlib.sha256(b"\0" + records[0]).digest()
    k = 1 << (len(records) - 1).bit_length() - 1  # the largest power of two below
    return hashlib.sha256(b"\1" + merkle_root(records[:k]) + merkle_root(records[k:])).digest()


def canonical(payment: Mapping[str, str]) -> bytes:
    """Canonical JSON. Source: RFC 8785, which for an object of strings is this."""
    return json.dumps(payment, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def violations(batch: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """The broken rules of each payment, by the reference engine."""
    from service.screening.contract.payment_rules import Violation, rule_tables
    from service.screening.engines import reference
    from service.screening.payment import Payment, columns

    found = reference.validate(columns([Payment(**payment) for payment in batch]), rule_tables())
    return [
        [str(rule.name).lower() for rule in Violation if bits & rule] for bits in found.tolist()
    ]


WARNINGS = {"creditor_bic_country"}


def judgements(batch: Sequence[Mapping[str, str]]) -> list[dict[str, list[str]]]:
    """As routes tell them: the broken rules that refuse a payment, and those that do not."""
    return [
        {
            "violations": [rule for rule in rules if rule not in WARNINGS],
            "warnings": [rule for rule in rules if rule in WARNINGS],
        }
        for rules in violations(batch)
    ]
