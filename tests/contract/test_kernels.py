"""/v1/matches, /v1/validations and /v1/seals: both servers give what independent sources give."""

from __future__ import annotations

import base64
import csv
import json
import random
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist

from tests.contract.conftest import Api
from tests.contract.samples import payment
from tests.screening.fixtures import misspelt
from tests.screening.normal_form import is_known, normal_form

VECTORS = json.loads(
    (Path(__file__).parent.parent / "conformance/vectors/validate.json").read_text()
)
PROPERTY = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@cache
def entries(directory: Path) -> list[dict[str, object]]:
    """The rows of the list: the names of sdn.csv, then the aliases of alt.csv."""
    found = []
    for file, column in (("sdn.csv", 1), ("alt.csv", 3)):
        text = (directory / file).read_bytes().removesuffix(b"\x1a").decode()
        found += [(row[0], row[column]) for row in csv.reader(text.splitlines())]
    return [
        {"row": row, "uid": uid, "name": name, "normalized": normal_form(name)}
        for row, (uid, name) in enumerate(found)
    ]


def expected_hits(directory: Path, names: list[str], cutoff: float, limit: int) -> list[list[dict]]:
    """Brute force, by RapidFuzz."""
    listed = entries(directory)
    scores = cdist(
        [normal_form(name) for name in names],
        [str(entry["normalized"]) for entry in listed],
        scorer=JaroWinkler.similarity,
        dtype=np.float64,
    ).tolist()
    found = []
    for row_scores in scores:
        rows = [row for row, score in enumerate(row_scores) if score >= cutoff]
        best = sorted(rows, key=lambda row: (-row_scores[row], row))[:limit]
        found.append([listed[row] | {"score": row_scores[row]} for row in best])
    return found


def assert_matches(api: Api, directory: Path, names: list[str], cutoff: float, limit: int) -> int:
    answer = api.post("/v1/matches", json={"names": names, "cutoff": cutoff, "limit": limit})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    hits = expected_hits(directory, names, cutoff, limit)
    assert answer.json() == {
        "results": [
            {"name": name, "normalized": normal_form(name), "hits": found}
            for name, found in zip(names, hits)
        ]
    }
    return sum(map(len, hits))


@pytest.mark.parametrize(("cutoff", "limit"), [(0.9, 5), (0.8, 20), (0.7, 1000), (0.0, 3), (1, 1)])
def test_matches_equal_brute_force(stateless: Api, watchlist_directory, cutoff, limit) -> None:
    names = [str(entry["name"]) for entry in entries(watchlist_directory)]
    queries = [*misspelt(names, 30, seed=5), "", "!", "Jon", "名 前", "a" * 512]
    assert assert_matches(stateless, watchlist_directory, queries, cutoff, limit) >= 10


def test_cutoff_and_limit_have_defaults(stateless: Api, watchlist_directory) -> None:
    names = [str(entries(watchlist_directory)[0]["name"]), "Jon Smyth"]
    got = stateless.post("/v1/matches", json={"names": names}).json()["results"]
    assert [found["hits"] for found in got] == expected_hits(watchlist_directory, names, 0.9, 5)


def test_a_thousand_names_at_once(stateless: Api, watchlist_directory) -> None:
    names = [str(entry["name"]) for entry in entries(watchlist_directory)]
    queries = misspelt(names, 1000, seed=6)
    assert assert_matches(stateless, watchlist_directory, queries, 0.85, 3) > 1000


TEXT = st.text(
    st.characters(exclude_categories=["Cs"]).filter(is_known)
    | st.sampled_from(
        "SAé.,/ -'" + "ßẞıİŉǰΐſᾳﬃⅫ①가각ꥠ힣ΣσςͅéÅÅ\u0345\u0307\u0323\u3099がｶﾞ\u200d\u00ad’‘ـﷺ½²٣"
    ),
    max_size=40,
)


@PROPERTY
@given(names=st.lists(TEXT, min_size=1, max_size=30), seed=st.integers(0, 2**32))
def test_any_names_are_normalised_and_scored_alike(
    stateless: Api, watchlist_directory, names, seed
) -> None:
    rng = random.Random(seed)
    # Some are near an entry, or nothing would ever be found.
    near = [str(rng.choice(entries(watchlist_directory))["name"]) for _ in names]
    mixed = names + [near[i] + name[:2] for i, name in enumerate(names)]
    assert_matches(stateless, watchlist_directory, mixed, 0.6, 4)


def test_every_letter_alone_is_normalised_alike(stateless: Api, watchlist_directory) -> None:
    points = [chr(point) for point in range(0x110000)]
    assigned = [c for c in points if is_known(c) and unicodedata.category(c) not in ("Cs", "Co")]
    # Han and Hangul are regular; a sample will do.
    rng = random.Random(8)
    wanted = [c for c in assigned if ord(c) < 0x3400 or 0xA000 <= ord(c) < 0xAC00]
    wanted += [c for c in assigned if 0xF900 <= ord(c) < 0x20000]
    wanted += rng.sample(assigned, 500)
    names = [f"x{char}y{char}" for char in wanted]
    assert len(names) > 20_000
    for start in range(0, len(names), 1000):
        batch = names[start : start + 1000]
        answer = stateless.post("/v1/matches", json={"names": batch, "cutoff": 1, "limit": 1})
        got = [(found["name"], found["normalized"]) for found in answer.json()["results"]]
        assert got == [(name, normal_form(name)) for name in batch]


def test_characters_newer_than_python_are_those_of_the_table(stateless: Api) -> None:
    names = {
        "ab\u1c89yz": "ab\u1c8ayz",  # of Unicode 16: CaseFolding.txt has 1C89 -> 1C8A
        "ab\ua7cbyz": "ab\u0264yz",  # of Unicode 16
        "ab\ua7d2yz": "ab\ua7d3yz",  # of Unicode 17
        "ab\u0897yz": "abyz",  # a mark of Unicode 16
        "ab\U0003134fyz": "ab yz",  # of no version up to 17
        "ab\U000107ffyz": "ab yz",
        "ab\ue000yz": "ab yz",  # for private use
    }
    answer = stateless.post("/v1/matches", json={"names": list(names)})
    got = [(found["name"], found["normalized"]) for found in answer.json()["results"]]
    assert got == list(names.items())


def test_what_cannot_be_seen_hides_no_name(stateless: Api, watchlist_directory) -> None:
    entry = entries(watchlist_directory)[0]
    invisible = [
        *"\u00ad\u034f\u061c\u180e\u200b\u200d\u200e\u202e\u2060\u2069\u3164\ufe0f",
        *("\ufeff\uffa0\ufff9\ufffb\U000e0001\U000e0041\U000e0100\0\x7f\x1f"),
    ]
    name = str(entry["name"])
    names = [f"{char}{name[:2]}{char}{name[2:]}{char}" for char in invisible]
    answer = stateless.post("/v1/matches", json={"names": names, "limit": 1})
    assert answer.json()["results"] == [
        {"name": sent, "normalized": entry["normalized"], "hits": [entry | {"score": 1}]}
        for sent in names
    ]


def test_the_validation_vectors(stateless: Api) -> None:
    for vector in VECTORS["vectors"]:
        base = payment() | VECTORS["valid_payment"]
        payments = [base | fields for fields in vector["input"]]
        if not 1 <= len(payments) <= 1000:
            continue
        if max(len(text) for sent in payments for text in sent.values()) > 128:
            continue
        answer = stateless.post("/v1/validations", json={"payments": payments})
        assert answer.status_code == 200, (vector["id"], answer.text)
        expected = [judged(rules) for rules in vector["expected"]]
        assert answer.json() == {"results": expected}, vector["id"]


def judged(rules: list[str]) -> dict:
    ordered = sorted(rules, key=VECTORS["rules"].index)
    violations = [rule for rule in ordered if rule not in VECTORS["warnings"]]
    warnings = [rule for rule in ordered if rule in VECTORS["warnings"]]
    return {"valid": not violations, "violations": violations, "warnings": warnings}


def test_a_thousand_payments_are_told_apart_by_their_ids(stateless: Api) -> None:
    payments = [payment(end_to_end_id=f"E{n % 900}") for n in range(1000)]
    got = stateless.post("/v1/validations", json={"payments": payments}).json()["results"]
    assert [found["violations"] for found in got] == [[]] * 900 + [
        ["end_to_end_id_duplicate"]
    ] * 100


def seal(api: Api, records: list[bytes], prove: list[int]) -> dict:
    body = {"records": [base64.b64encode(record).decode() for record in records], "prove": prove}
    answer = api.post("/v1/seals", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def expected_seal(records: list[bytes], prove: list[int]) -> dict:
    tree = InmemoryTree(algorithm="sha256")
    for record in records:
        tree.append_entry(record)
    proofs = {
        # pymerkle counts from 1, and its path begins with the leaf itself.
        str(place): [node.hex() for node in tree.prove_inclusion(place + 1, len(records)).path[1:]]
        for place in prove
    }
    return {"root": tree.get_root(len(records)).hex(), "size": len(records), "proofs": proofs}


@PROPERTY
@given(records=st.lists(st.binary(max_size=80), min_size=1, max_size=40), data=st.data())
def test_any_records_are_sealed_as_pymerkle_does(stateless: Api, records, data) -> None:
    prove = data.draw(st.lists(st.integers(0, len(records) - 1), max_size=5))
    assert seal(stateless, records, prove) == expected_seal(records, prove)


def test_ten_thousand_records_are_sealed(stateless: Api) -> None:
    records = [str(number).encode() for number in range(10_000)]
    assert seal(stateless, records, [0, 9_999]) == expected_seal(records, [0, 9_999])


def test_no_records_have_the_root_of_the_rfc(stateless: Api) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert seal(stateless, [], []) == {"root": empty, "size": 0, "proofs": {}}
