"""What users would take instead, each as a function that does one whole batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from loadtests.bench import workloads

# kernel -> name -> (unit, function that makes the timed function and its number of units)
Timed = tuple[Callable[[], object], int]
Maker = Callable[[Path | None, float], Timed]


def rapidfuzz_cdist(directory: Path | None, cutoff: float) -> Timed:
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    work = workloads.screening(directory, cutoff)
    return lambda: process.cdist(
        work.queries,
        work.names,
        scorer=JaroWinkler.similarity,
        score_cutoff=cutoff,
        dtype=np.float64,
        workers=1,
    ), len(work.queries) * len(work.names)


def rapidfuzz_extract(directory: Path | None, cutoff: float) -> Timed:
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    work = workloads.screening(directory, cutoff)
    return lambda: [
        process.extract(
            query,
            work.names,
            scorer=JaroWinkler.similarity,
            processor=None,
            score_cutoff=cutoff,
            limit=5,
        )
        for query in work.queries
    ], len(work.queries) * len(work.names)


def stdnum(_directory: Path | None, _cutoff: float) -> Timed:
    from stdnum import iban

    texts = workloads.ibans()

    def check(text: str) -> bool:
        try:
            iban.validate(text, check_country=False)
        except iban.ValidationError:
            return False
        return True

    return lambda: [check(text) for text in texts], len(texts)


def schwifty(_directory: Path | None, _cutoff: float) -> Timed:
    from schwifty import IBAN

    texts = workloads.ibans()
    return lambda: [IBAN(text, allow_invalid=True).is_valid for text in texts], len(texts)


def pydantic_parse(_directory: Path | None, _cutoff: float) -> Timed:
    """Parsing the same payments from JSON, as a yardstick for what validating them costs."""
    from service.screening.routes.validations import ValidationRequest

    made = workloads.payments()
    body = ValidationRequest(payments=made).model_dump_json().encode()
    return lambda: ValidationRequest.model_validate_json(body), len(made)


def msgspec_parse(_directory: Path | None, _cutoff: float) -> Timed:
    import msgspec

    from service.screening.payment import Payment
    from service.screening.routes.validations import ValidationRequest

    record = msgspec.defstruct("Payment", [(field, str) for field in Payment.model_fields])
    request = msgspec.defstruct("Request", [("payments", list[record])])  # type: ignore[valid-type]  # made above
    decoder = msgspec.json.Decoder(request)
    made = workloads.payments()
    body = ValidationRequest(payments=made).model_dump_json().encode()
    return lambda: decoder.decode(body), len(made)


def hashlib_loop(_directory: Path | None, _cutoff: float) -> Timed:
    """The Merkle tree hash as one would write it: one hashlib call for each node."""
    records = workloads.records()

    def root() -> bytes:
        level = [hashlib.sha256(b"\0" + record).digest() for record in records]
        while len(level) > 1:
            pairs = [
                hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest()
                for i in range(0, len(level) - 1, 2)
            ]
            # An odd node rises as it is, which gives the tree of RFC 9162.
            level = pairs + level[len(level) & ~1 :]
        return level[0]

    return root, len(records)


PEERS: dict[str, dict[str, tuple[str, Maker]]] = {
    "screen": {
        "rapidfuzz-cdist": ("pair", rapidfuzz_cdist),
        "rapidfuzz-extract": ("pair", rapidfuzz_extract),
    },
    "validate": {
        "stdnum": ("iban", stdnum),
        "schwifty": ("iban", schwifty),
        "pydantic": ("record", pydantic_parse),
        "msgspec": ("record", msgspec_parse),
    },
    "seal": {"hashlib": ("record", hashlib_loop)},
}
