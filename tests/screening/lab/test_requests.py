"""The requests and what is expected of them."""

import json
from dataclasses import dataclass

import pytest

from loadtests.lab.requests import Kind, drawn
from service.screening.contract import payment_rules
from service.screening.scenarios import LAB
from service.screening.scenarios.draw import ScreeningDraw
from service.screening.scenarios.oracles import (
    WARNINGS,
    brute_force,
    judgements,
    merkle_root,
    violations,
)

# engine: go
from service.screening.scenarios.rates import BASES

# engine: end
from tests.contract.samples import payment


@dataclass(frozen=True)
class Entry:
    row: int
    name: str

    @property
    def normalized(self):
        return self.name.lower()


ENTRIES = [Entry(i, name) for i, name in enumerate(["Dwayne", "Martha", "Dixon", "Martha"])]
VALID = payment(end_to_end_id="INV-1")


def requests(*kind, seed=1, rates=None):
    return drawn(LAB, ScreeningDraw(seed, ENTRIES, rates=rates or {}), Kind(*kind))


def bodies(pool):
    return [json.loads(request["body"]) for request in pool]


def expected(pool):
    return [request["check"]["expected"] for request in pool]


def test_expected_hits_are_the_published_scores():
    """Winkler (1990): MARTHA and MARHTA 0.961, DWAYNE and DUANE 0.840, DIXON and DICKSONX 0.813."""
    found = brute_force(["marhta", "duane", "dicksonx"], ENTRIES, cutoff=0.8, limit=5)
    assert [[row for row, _ in hits] for hits in found] == [[1, 3], [0], [2]]
    assert [hits[0][1] for hits in found] == pytest.approx([0.961, 0.840, 0.813], abs=0.0005)


def test_limit_keeps_the_lower_row_of_equals():
    assert brute_force(["martha"], ENTRIES, 0.8, 1) == [[[1, 1.0]]]


def test_nothing_below_the_cutoff_is_expected():
    assert brute_force(["marhta"], ENTRIES, 0.97, 5) == [[]]


def test_hits_of_a_higher_cutoff_are_those_of_a_pass_with_it():
    """One pass over the list, at the lowest cutoff, serves all of them."""
    found = {cutoff: requests("matches", 4, cutoff) for cutoff in (0.8, 0.95)}
    for cutoff, pool in found.items():
        for body, hits in zip(bodies(pool), expected(pool), strict=True):
            names = [name.lower() for name in body["names"]]
            assert hits == brute_force(names, ENTRIES, cutoff, 5)
    assert expected(found[0.8]) != expected(found[0.95])


@pytest.mark.parametrize("scenario", ["matches", "validations", "seals", "screenings"])
def test_same_seed_same_requests_and_another_seed_others(scenario):
    first = requests(scenario, 3)
    assert first == requests(scenario, 3)
    assert bodies(first) != bodies(requests(scenario, 3, seed=2))


def test_requests_mix_exact_misspelt_and_unrelated_names():
    pool = requests("matches", 4)
    hits = [name for request in expected(pool) for name in request]
    best = [found[0][1] if found else 0.0 for found in hits]
    assert {body["limit"] for body in bodies(pool)} == {5}
    assert sum(score == 1 for score in best) > 100  # exact
    assert sum(0.9 <= score < 1 for score in best) > 100  # misspelt
    assert sum(score == 0 for score in best) > 200  # unrelated


def test_requests_have_as_many_items_as_asked_for():
    for scenario, field in (
        ("matches", "names"),
        ("validations", "payments"),
        ("seals", "records"),
    ):
        for items in (1, 7, 300):
            assert {len(body[field]) for body in bodies(requests(scenario, items))} == {items}


def test_merkle_roots_are_those_of_certificate_transparency():
    """The roots of the reference trees in google/certificate-transparency's MerkleTree tests."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    records = [bytes.fromhex(leaf) for leaf in leaves]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    }
    assert {n: merkle_root(records[:n]).hex() for n in roots} == roots


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({}, []),
        ({"debtor_iban": "DE89370400440532013001"}, ["debtor_iban_checksum"]),
        ({"amount": "1234.505"}, ["amount_minor_units"]),
        ({"currency": "JPY"}, ["amount_minor_units"]),
        ({"creditor_bic": "DEUTDEFF"}, ["creditor_bic_country"]),
    ],
)
def test_violations_are_what_is_wrong(fields, broken):
    assert violations([VALID | fields]) == [broken]


def test_a_warning_is_told_apart():
    assert {rule.name.lower() for rule in payment_rules.WARNINGS} == WARNINGS
    assert judgements([VALID | {"creditor_bic": "DEUTDEFF", "currency": "JPY"}]) == [
        {"violations": ["amount_minor_units"], "warnings": ["creditor_bic_country"]}
    ]


def test_some_payments_are_broken_and_most_are_not():
    results = [
        result
        for document in expected(requests("validations", 50))
        for result in document["results"]
    ]
    share = sum(result["valid"] for result in results) / len(results)
    assert 0.6 < share < 0.8
    assert {name for r in results for name in r["violations"]} == {
        "debtor_iban_checksum",
        "amount_minor_units",
    }


# engine: go
def test_rates_are_those_that_the_upstreams_gave():
    rates = {base: {"alpha": {"USD": "1.0"}} for base in BASES}
    for request in requests("rates", rates=rates):
        base = request["path"].rpartition("=")[2]
        assert request["check"]["expected"] == {
            "base": base,
            "complete": True,
            "rates": {"alpha": {"USD": "1.0"}},
            "missing": [],
        }


# engine: end
