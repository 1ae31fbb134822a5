"""Every engine gives the hits of brute force with RapidFuzz, to the last bit."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from service.packed import CodePoints
from service.screening.contract.index import NameIndex
from service.screening.names import normalize
from service.screening.watchlist import Watchlist
from tests.screening.fixtures import misspelt

VECTORS = json.loads((Path(__file__).parent / "vectors/screen.json").read_text())["vectors"]
ABOVE_BONUS_THRESHOLD = math.nextafter(0.7, 1)
CUTOFFS = [0.0, 0.5, 0.7, ABOVE_BONUS_THRESHOLD, 0.85, 0.9, 1.0]


def brute_force(
    queries: list[str], names: list[str], cutoff: float, limit: int
) -> list[list[tuple[float, int]]]:
    """[(score, row)] of each query, best first, equal scores by lower row."""
    if not queries or not names:
        return [[] for _ in queries]
    scores = process.cdist(queries, names, scorer=JaroWinkler.similarity, dtype=np.float64)
    found = []
    for line in scores:
        (rows,) = np.nonzero(line >= cutoff)
        found.append(sorted(((line[r], int(r)) for r in rows), key=lambda h: (-h[0], h[1]))[:limit])
    return found


def engine_hits(screen, queries, index, cutoff, limit) -> list[list[tuple[float, int]]]:
    rows, scores = screen(CodePoints.pack(queries), index, cutoff, limit)
    assert rows.shape == scores.shape == (len(queries), limit)
    assert (rows.dtype, scores.dtype) == (np.int32, np.float64)
    unused = rows < 0
    assert (rows[unused] == -1).all()
    assert (scores[unused] == 0).all()
    assert (np.diff(unused.astype(int), axis=1) >= 0).all()  # hits first, then unused places
    return [
        [(score, row) for score, row in zip(*pair) if row >= 0]
        for pair in zip(scores.tolist(), rows.tolist())
    ]


def assert_conforms(screen, queries, names, cutoff, limit) -> None:
    hits = engine_hits(screen, queries, NameIndex.build(names), cutoff, limit)
    assert hits == brute_force(queries, names, cutoff, limit)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(screen, vector) -> None:
    given_ = vector["input"]
    index = NameIndex.build(given_["names"])
    hits = engine_hits(screen, given_["queries"], index, given_["cutoff"], given_["limit"])
    assert hits == [[(score, row) for row, score in best] for best in vector["expected"]]


@pytest.mark.parametrize("cutoff", [0.8, 0.9])
@pytest.mark.parametrize("source", ["synthetic", "real"])
def test_hits_on_a_whole_list_equal_rapidfuzz(screen, request, source, cutoff) -> None:
    watchlist: Watchlist = request.getfixturevalue(source)
    names = [entry.normalized for entry in watchlist.entries]
    # The plain loop of the reference needs half a second for each name.
    count = 2 if screen.__module__.endswith("reference") else 60
    queries = [*misspelt(names, count, seed=7), "no such name at all"]
    hits = engine_hits(screen, queries, watchlist.index, cutoff, 10)
    assert hits == brute_force(queries, names, cutoff, 10)
    assert sum(map(len, hits)) >= count


@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_hits_of_many_near_names_equal_brute_force(screen, cutoff) -> None:
    rng = random.Random(11)
    names = ["".join(rng.choices("abcde ", k=rng.randrange(14))) for _ in range(700)]
    queries = [rng.choice(names) for _ in range(8)] + ["", "a", "ab", "edcba" * 3]
    for limit in (1, 7, 1000):
        assert_conforms(screen, queries, names, cutoff, limit)


@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_long_names_cross_the_word_size_unharmed(screen, cutoff) -> None:
    rng = random.Random(13)
    lengths = [1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300, 2000]
    names = ["".join(rng.choices("abcd", k=k)) for k in lengths for _ in range(3)]
    queries = [names[i][:-1] + "a" for i in range(0, len(names), 3)]
    assert_conforms(screen, queries, names, cutoff, 5)


def test_one_letter_repeated_beyond_every_counter(screen) -> None:
    names = ["a" * k for k in (0, 1, 3, 4, 5, 15, 16, 17, 64, 65, 130, 600)]
    for cutoff in CUTOFFS:
        assert_conforms(screen, names, names, cutoff, 12)


names_of_any_script = st.text(max_size=12)
names_of_few_letters = st.text("ab\u0131\U0001f600\U00020000 ", max_size=70)
lists = st.lists(st.one_of(names_of_any_script, names_of_few_letters), max_size=40)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    names=lists,
    extra=lists.map(lambda found: found[:5]),
    cutoff=st.one_of(st.sampled_from(CUTOFFS), st.floats(0, 1)),
    limit=st.integers(1, 45),
)
def test_arbitrary_unicode_equals_brute_force(screen, names, extra, cutoff, limit) -> None:
    assert_conforms(screen, [*names[:5], *extra], names, cutoff, limit)
    normal = [normalize(name) for name in names]
    assert_conforms(screen, [normalize(name) for name in extra], normal, cutoff, limit)


def test_equal_scores_come_by_lower_row(screen) -> None:
    names = ["twin", "other", "twin", "twinx", "twin"]
    (hits,) = engine_hits(screen, ["twin"], NameIndex.build(names), 0.9, 3)
    assert hits == [(1.0, 0), (1.0, 2), (1.0, 4)]


def test_no_queries_and_no_names_give_no_hits(screen) -> None:
    assert engine_hits(screen, [], NameIndex.build(["a"]), 0.9, 3) == []
    assert engine_hits(screen, ["a", ""], NameIndex.build([]), 0.0, 3) == [[], []]


def test_two_empty_names_are_equal_and_one_alone_is_unlike(screen) -> None:
    index = NameIndex.build(["", "a"])
    assert engine_hits(screen, ["", "a"], index, 0.1, 2) == [[(1.0, 0)], [(1.0, 1)]]
    assert engine_hits(screen, [""], index, 0.0, 2) == [[(1.0, 0), (0.0, 1)]]
