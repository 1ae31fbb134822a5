"""The requests and what is expected of them."""

import json
from dataclasses import dataclass, replace

import pytest

from loadtests.lab.scenarios import QUICK
from loadtests.lab.workload import brute_force, build


@dataclass(frozen=True)
class Entry:
    row: int
    name: str

    @property
    def normalized(self):
        return self.name.lower()


ENTRIES = [Entry(i, name) for i, name in enumerate(["Dwayne", "Martha", "Dixon", "Martha"])]


def test_expected_hits_are_the_published_scores():
    """Winkler (1990): MARTHA and MARHTA 0.961, DWAYNE and DUANE 0.840, DIXON and DICKSONX 0.813."""
    found = brute_force(["marhta", "duane", "dicksonx"], ENTRIES, cutoff=0.8, limit=5)
    assert [[row for row, _ in hits] for hits in found] == [[1, 3], [0], [2]]
    assert [hits[0][1] for hits in found] == pytest.approx([0.961, 0.840, 0.813], abs=0.0005)


def test_limit_keeps_the_lower_row_of_equals():
    assert brute_force(["martha"], ENTRIES, 0.8, 1) == [[[1, 1.0]]]


def test_nothing_below_the_cutoff_is_expected():
    assert brute_force(["marhta"], ENTRIES, 0.97, 5) == [[]]


def test_same_seed_same_requests_and_another_seed_others():
    scenario = replace(QUICK.scenario, pool=20)
    first = build(scenario, ENTRIES, str.lower)
    assert first == build(scenario, ENTRIES, str.lower)
    assert first.bodies != build(replace(scenario, seed=1), ENTRIES, str.lower).bodies
    assert len(first.bodies) == len(first.expected) == 20


def test_requests_mix_exact_misspelt_and_unrelated_names():
    load = build(replace(QUICK.scenario, pool=50), ENTRIES, str.lower)
    hits = [name for request in load.expected for name in request]
    best = [found[0][1] if found else 0.0 for found in hits]
    assert {json.loads(body)["limit"] for body in load.bodies} == {5}
    assert sum(score == 1 for score in best) > 20  # exact
    assert sum(0.9 <= score < 1 for score in best) > 20  # misspelt
    assert sum(score == 0 for score in best) > 50  # unrelated
