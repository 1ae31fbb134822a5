"""Whether an answer is right: checked before load and for every request under load."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

ExpectedHits = Sequence[Sequence[Sequence[float]]]  # per name, best first: (row, score)


def fault(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    expected_headers: Mapping[str, str],
    expected_hits: ExpectedHits,
) -> str | None:
    """What is wrong with the answer, or None.

    headers: any mapping that ignores case. Rows and scores must be equal exactly:
    JSON carries a float64 to the last bit.
    """
    if status != 200:
        return f"status: expected 200, got {status}: {content[:300].decode(errors='replace')}"
    for name, value in expected_headers.items():
        if headers.get(name) != value:
            return f"{name}: expected {value}, got {headers.get(name)}"
    try:
        results = json.loads(content)["results"]
        hits = [[[hit["row"], hit["score"]] for hit in result["hits"]] for result in results]
    except (ValueError, KeyError, TypeError) as error:
        return f"body: expected results with hits, got {content[:300]!r} ({error!r})"
    if len(hits) != len(expected_hits):
        return f"results: expected {len(expected_hits)}, got {len(hits)}"
    for i, (got, expected) in enumerate(zip(hits, expected_hits, strict=True)):
        if got != expected:
            return (
                f"hits of {results[i].get('name')!r}: expected (row, score) {expected}, got {got}"
            )
    return None
