"""What the lab takes for right, and what it does not: one altered answer each."""

from __future__ import annotations

import copy
import json
import math

import pytest

from loadtests.lab.answers import fault

HEADERS = {"X-Engine": "rust", "X-Offload": "thread"}
HIT = {"row": 3, "uid": "36", "name": "A", "normalized": "a", "score": 0.9123456789}
OTHER = HIT | {"row": 4, "score": 0.9}
RIGHT = {
    "hits": (
        [[[3, 0.9123456789], [4, 0.9]], []],
        {"results": [{"name": "a", "hits": [HIT, OTHER]}, {"name": "b", "hits": []}]},
    ),
    "screening": (
        {
            "root": "ab",
            "results": [
                {
                    "violations": ["amount_range"],
                    "debtor_hits": [[3, 0.9123456789]],
                    "creditor_hits": [],
                }
            ],
        },
        {
            "id": "any",
            "root": "ab",
            "size": 1,
            "results": [
                {"violations": ["amount_range"], "debtor_hits": [HIT], "creditor_hits": []}
            ],
        },
    ),
    "equal_json": ({"root": "ab", "size": 2}, {"size": 2, "root": "ab"}),
    "row": (None, {"id": 1, "randomNumber": 10_000}),
    "rows": (2, [{"id": 1, "randomNumber": 1}, {"id": 10_000, "randomNumber": 7}]),
}


def judged(kind, expected, document, status=200, headers=HEADERS, engine=True):
    check = {"kind": kind, "status": 200, "engine": engine, "expected": expected}
    return fault(check, status, headers, json.dumps(document).encode(), HEADERS)


def altered(kind, path, value):
    expected, document = RIGHT[kind]
    document = copy.deepcopy(document)
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    return judged(kind, expected, document)


@pytest.mark.parametrize("kind", RIGHT)
def test_the_right_answer_has_no_fault(kind):
    assert judged(kind, *RIGHT[kind]) is None


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    [
        (
            "hits",
            ("results", 0, "hits", 0, "score"),
            math.nextafter(0.9123456789, 0),
            "hits of 'a'",
        ),
        ("hits", ("results", 0, "hits", 1, "row"), 5, "hits of 'a'"),
        ("hits", ("results", 1, "hits"), [HIT], "hits of 'b'"),
        ("hits", ("results",), [], "results: expected 2, got 0"),
        ("hits", ("results", 0), {}, "expected an answer of this route"),
        ("screening", ("root",), "ac", "root: expected 'ab', got 'ac'"),
        ("screening", ("size",), 2, "size: expected 1, got 2"),
        ("screening", ("results", 0, "violations"), [], "violations of results"),
        ("screening", ("results", 0, "creditor_hits"), [HIT], "creditor_hits of results"),
        ("equal_json", ("size",), 3, "size: expected 2, got 3"),
        ("equal_json", ("more",), 1, "more: expected None, got 1"),
        ("row", ("id",), 0, "id: expected 1 to 10000, got 0"),
        ("row", ("randomNumber",), 1.5, "randomNumber: expected 1 to 10000, got 1.5"),
        ("row", ("more",), 1, "expected id and randomNumber"),
        ("rows", (1,), {"id": 10_001, "randomNumber": 7}, "id: expected 1 to 10000"),
    ],
)
def test_an_altered_answer_is_a_fault(kind, path, value, message):
    assert message in altered(kind, path, value)


def test_a_row_too_few_is_a_fault():
    assert judged("rows", 3, RIGHT["rows"][1]) == "body: expected 3 rows, got 2"


def test_content_is_compared_byte_by_byte_where_it_is_fixed():
    check = {"kind": "bytes", "status": 200, "engine": False, "expected": "Hello"}
    assert fault(check, 200, {}, b"Hello", {}) is None
    assert fault(check, 200, {}, b"Hello ", {}) == "body: expected 'Hello', got b'Hello '"


def test_another_status_is_a_fault_with_what_was_said():
    found = judged("row", None, {"title": "overloaded"}, status=503)
    assert found is not None
    assert found.startswith("status: expected 200, got 503")
    assert "overloaded" in found


def test_the_engine_must_be_named_where_one_answers():
    other = HEADERS | {"X-Offload": "inline"}
    assert judged("row", None, RIGHT["row"][1], headers=other) == (
        "X-Offload: expected thread, got inline"
    )
    assert judged("row", None, RIGHT["row"][1], headers={}, engine=False) is None


def test_what_is_no_json_is_a_fault():
    check = {"kind": "row", "status": 200, "engine": False, "expected": None}
    assert "expected an answer of this route, got b'<html>'" in fault(check, 200, {}, b"<html>", {})
