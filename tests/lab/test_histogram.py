"""Histograms against numpy, on the values themselves."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.lab.histogram import Histogram

SECONDS = st.floats(1.1e-6, 3600)
MANY = st.lists(SECONDS, min_size=1, max_size=300)


def of(values):
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(MANY, st.floats(0, 1))
@example([1e-3] * 99 + [1.0], 0.99)
@example([1e-3] * 98 + [1.0, 2.0], 0.99)
def test_percentiles_are_within_a_percent_of_the_nearest_rank(values, q):
    expected = np.percentile(values, 100 * q, method="inverted_cdf")
    assert of(values).percentile(q) == pytest.approx(expected, rel=0.01)


@given(SECONDS)
def test_a_value_lies_in_its_bucket(value):
    ((bucket, count),) = of([value]).pairs()
    assert count == 1
    assert 1.01**bucket * (1 - 1e-9) <= value * 1e6 <= 1.01 ** (bucket + 1) * (1 + 1e-9)


@pytest.mark.parametrize("value", [0.0, -1e-9, 5e-10, 1e-6])
def test_what_is_below_a_microsecond_is_in_bucket_0(value):
    assert of([value]).pairs() == [[0, 1]]


@given(MANY, MANY)
def test_merged_is_as_if_recorded_in_one(left, right):
    merged = of(left)
    merged.merge(of(right))
    assert merged.pairs() == of(left + right).pairs()
    assert merged.total == len(left) + len(right)


@given(MANY)
def test_pairs_are_sorted_and_enough_to_make_it_anew(values):
    pairs = of(values).pairs()
    assert pairs == sorted(pairs)
    assert Histogram(pairs).pairs() == pairs
    assert sum(count for _, count in pairs) == len(values)


def test_an_empty_one_has_no_percentile():
    assert Histogram().percentile(0.5) is None
    assert Histogram().pairs() == []


@pytest.mark.parametrize("q", [-0.1, 1.1, 99])
def test_a_percentile_is_asked_for_by_a_share(q):
    with pytest.raises(ValueError, match="q: expected 0 to 1"):
        of([1.0]).percentile(q)
