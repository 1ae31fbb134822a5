"""The bound never discards a hit."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import JaroWinkler

from service.screening.contract.index import BINS
from service.screening.contract.kernels import PREFIX_LENGTH
from service.screening.engines.bound import fewest_common

words = st.text("abcdef \u0141\U0001f600", min_size=1, max_size=24)


def common(a: str, b: str) -> int:
    bins = [Counter(ord(char) % BINS for char in text) for text in (a, b)]
    return (bins[0] & bins[1]).total()


def prefix(a: str, b: str) -> int:
    shared = 0
    for x, y in zip(a[:PREFIX_LENGTH], b):
        if x != y:
            break
        shared += 1
    return shared


@settings(max_examples=3000, deadline=None)
@given(words, words, st.integers(0, 3))
def test_a_name_that_reaches_its_own_score_has_enough_in_common(a, b, keep) -> None:
    b = a[:keep] + b
    score = JaroWinkler.similarity(a, b)
    assert fewest_common(score, len(a), len(b), prefix(a, b)) <= common(a, b)


def test_equal_names_need_every_character_for_a_perfect_score() -> None:
    assert [fewest_common(1.0, 7, 7, p) for p in range(5)] == [7] * 5


def test_nothing_is_needed_for_cutoff_zero_and_one_match_for_more() -> None:
    assert fewest_common(0.0, 5, 9, 0) == 0
    assert fewest_common(0.01, 5, 9, 0) == 1


def test_worked_example() -> None:
    # (c/6 + c/6 + 1)/3 >= 0.9 asks for c >= 5.1; with a prefix of 4, Jaro 5/6 is enough: c >= 4.5
    assert fewest_common(0.9, 6, 6, 0) == 6
    assert fewest_common(0.9, 6, 6, 4) == 5
