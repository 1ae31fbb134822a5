"""What the sample's scenarios take for right, and what they do not: one altered answer each."""

from __future__ import annotations

import copy
import json
import math

import pytest

from loadtests.lab.requests import fault
from loadtests.lab.scenario import get
from service.screening.scenarios.matches import hits
from service.screening.scenarios.screenings import screening

HIT = {"row": 3, "uid": "36", "name": "A", "normalized": "a", "score": 0.9123456789}
OTHER = HIT | {"row": 4, "score": 0.9}
RIGHT = {
    hits: (
        [[[3, 0.9123456789], [4, 0.9]], []],
        {"results": [{"name": "a", "hits": [HIT, OTHER]}, {"name": "b", "hits": []}]},
    ),
    screening: (
        {
            "root": "ab",
            "results": [
                {
                    "violations": ["amount_range"],
                    "warnings": [],
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
                {
                    "violations": ["amount_range"],
                    "warnings": [],
                    "debtor_hits": [HIT],
                    "creditor_hits": [],
                }
            ],
        },
    ),
}


def judged(judge, expected, document):
    return fault(get("/", judge, expected)["check"], 200, {}, json.dumps(document).encode(), {})


@pytest.mark.parametrize("judge", RIGHT)
def test_the_right_answer_has_no_fault(judge):
    assert judged(judge, *RIGHT[judge]) is None


@pytest.mark.parametrize(
    ("judge", "path", "value", "message"),
    [
        (
            hits,
            ("results", 0, "hits", 0, "score"),
            math.nextafter(0.9123456789, 0),
            "hits of 'a'",
        ),
        (hits, ("results", 0, "hits", 1, "row"), 5, "hits of 'a'"),
        (hits, ("results", 1, "hits"), [HIT], "hits of 'b'"),
        (hits, ("results",), [], "results: expected 2, got 0"),
        (hits, ("results", 0), {}, "expected an answer of this route"),
        (screening, ("root",), "ac", "root: expected 'ab', got 'ac'"),
        (screening, ("size",), 2, "size: expected 1, got 2"),
        (screening, ("results", 0, "violations"), [], "violations of results"),
        (screening, ("results", 0, "warnings"), ["x"], "warnings of results"),
        (screening, ("results", 0, "creditor_hits"), [HIT], "creditor_hits of results"),
    ],
)
def test_an_altered_answer_is_a_fault(judge, path, value, message):
    expected, document = RIGHT[judge]
    document = copy.deepcopy(document)
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    assert message in judged(judge, expected, document)
