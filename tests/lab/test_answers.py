"""What the lab takes for right, and what it does not: one altered answer each."""

from __future__ import annotations

import copy
import json

import pytest

from loadtests.lab.bench_routes import row, rows
from loadtests.lab.requests import fault
from loadtests.lab.scenario import equal_json, get

HEADERS = {"X-Engine": "rust", "X-Offload": "thread"}
RIGHT = {
    equal_json: ({"root": "ab", "size": 2}, {"size": 2, "root": "ab"}),
    row: (None, {"id": 1, "randomNumber": 10_000}),
    rows: (2, [{"id": 1, "randomNumber": 1}, {"id": 10_000, "randomNumber": 7}]),
}


def judged(judge, expected, document, status=200, headers=HEADERS, engine=True):
    check = get("/", judge, expected)["check"] | {"engine": engine}
    return fault(check, status, headers, json.dumps(document).encode(), HEADERS)


def altered(judge, path, value):
    expected, document = RIGHT[judge]
    document = copy.deepcopy(document)
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    return judged(judge, expected, document)


@pytest.mark.parametrize("judge", RIGHT)
def test_the_right_answer_has_no_fault(judge):
    assert judged(judge, *RIGHT[judge]) is None


@pytest.mark.parametrize(
    ("judge", "path", "value", "message"),
    [
        (equal_json, ("size",), 3, "size: expected 2, got 3"),
        (equal_json, ("more",), 1, "more: expected None, got 1"),
        (row, ("id",), 0, "id: expected 1 to 10000, got 0"),
        (row, ("randomNumber",), 1.5, "randomNumber: expected 1 to 10000, got 1.5"),
        (row, ("more",), 1, "expected id and randomNumber"),
        (rows, (1,), {"id": 10_001, "randomNumber": 7}, "id: expected 1 to 10000"),
    ],
)
def test_an_altered_answer_is_a_fault(judge, path, value, message):
    assert message in altered(judge, path, value)


def test_a_row_too_few_is_a_fault():
    assert judged(rows, 3, RIGHT[rows][1]) == "body: expected 3 rows, got 2"


def test_content_is_compared_byte_by_byte_where_it_is_fixed():
    check = get("/", None, "Hello")["check"]
    assert fault(check, 200, {}, b"Hello", {}) is None
    assert fault(check, 200, {}, b"Hello ", {}) == "body: expected 'Hello', got b'Hello '"


def test_another_status_is_a_fault_with_what_was_said():
    found = judged(row, None, {"title": "overloaded"}, status=503)
    assert found is not None
    assert found.startswith("status: expected 200, got 503")
    assert "overloaded" in found


def test_the_engine_must_be_named_where_one_answers():
    other = HEADERS | {"X-Offload": "inline"}
    assert judged(row, None, RIGHT[row][1], headers=other) == (
        "X-Offload: expected thread, got inline"
    )
    assert judged(row, None, RIGHT[row][1], headers={}, engine=False) is None


def test_what_is_no_json_is_a_fault():
    check = get("/", row, None)["check"]
    assert "expected an answer of this route, got b'<html>'" in fault(check, 200, {}, b"<html>", {})
