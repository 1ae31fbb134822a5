"""Whether an answer is right: checked before load and for every request under load.

A check is a JSON object beside its request:
    kind: one of JUDGES, or "bytes" for content that must be exactly the text `expected`.
    status: that the answer must have.
    engine: whether the server's engine answers, and must be named in the headers.
    expected: what the kind takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Check = Mapping[str, Any]
Found = Sequence[Sequence[float]]  # of one name, best first: (row, score)

HIGHEST_WORLD = 10_000


def fault(
    check: Check,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    expected_headers: Mapping[str, str],
) -> str | None:
    """What is wrong with the answer, or None.

    headers: any mapping that ignores case. Rows and scores must be equal exactly:
    JSON carries a float64 to the last bit.
    """
    if status != check["status"]:
        shown = content[:300].decode(errors="replace")
        return f"status: expected {check['status']}, got {status}: {shown}"
    if check["engine"]:
        for name, value in expected_headers.items():
            if headers.get(name) != value:
                return f"{name}: expected {value}, got {headers.get(name)}"
    expected = check["expected"]
    if check["kind"] == "bytes":
        right = content == expected.encode()
        return None if right else f"body: expected {expected!r}, got {content[:300]!r}"
    try:
        return JUDGES[check["kind"]](expected, json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        return f"body: expected an answer of this route, got {content[:300]!r} ({error!r})"


def equal_json(expected: Any, document: Any) -> str | None:
    if document == expected:
        return None
    if isinstance(expected, dict) and isinstance(document, dict):
        for name in sorted(expected.keys() | document.keys()):
            if expected.get(name) != document.get(name):
                return _differs(name, expected.get(name), document.get(name))
    return _differs("body", expected, document)


def hits(expected: Sequence[Found], document: Any) -> str | None:
    """expected: for each name its (row, score), best first."""
    results = document["results"]
    if len(results) != len(expected):
        return f"results: expected {len(expected)}, got {len(results)}"
    for result, due in zip(results, expected, strict=True):
        if (got := _rows_and_scores(result["hits"])) != due:
            return f"hits of {result.get('name')!r}: expected (row, score) {due}, got {got}"
    return None


def screening(expected: Mapping[str, Any], document: Any) -> str | None:
    """expected: root, and results with violations, debtor_hits and creditor_hits."""
    results = document["results"]
    size = len(expected["results"])
    if document["size"] != size or len(results) != size:
        return f"size: expected {size}, got {document['size']} and {len(results)} results"
    if document["root"] != expected["root"]:
        return _differs("root", expected["root"], document["root"])
    for number, (result, due) in enumerate(zip(results, expected["results"], strict=True)):
        got = {
            "violations": result["violations"],
            "debtor_hits": _rows_and_scores(result["debtor_hits"]),
            "creditor_hits": _rows_and_scores(result["creditor_hits"]),
        }
        for name, value in due.items():
            if got[name] != value:
                return _differs(f"{name} of results[{number}]", value, got[name])
    return None


def row(_: None, document: Any) -> str | None:
    """A random row of /bench/db: nobody knows which, only what each looks like."""
    if document.keys() != {"id", "randomNumber"}:
        return f"body: expected id and randomNumber, got {sorted(document)}"
    for name, number in document.items():
        if type(number) is not int or not 1 <= number <= HIGHEST_WORLD:
            return f"{name}: expected 1 to {HIGHEST_WORLD}, got {number!r}"
    return None


def rows(expected: int, document: Any) -> str | None:
    """expected: how many."""
    if len(document) != expected:
        return f"body: expected {expected} rows, got {len(document)}"
    return next((wrong for one in document if (wrong := row(None, one))), None)


JUDGES: Mapping[str, Callable[[Any, Any], str | None]] = {
    judge.__name__: judge for judge in (equal_json, hits, screening, row, rows)
}


def _rows_and_scores(found: Any) -> list[list[float]]:
    return [[hit["row"], hit["score"]] for hit in found]


def _differs(name: str, expected: Any, got: Any) -> str:
    return f"{name}: expected {expected!r:.300}, got {got!r:.300}"
