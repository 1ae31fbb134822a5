"""Histograms against numpy, on the values themselves."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.lab.histogram import Histogram, added
from loadtests.lab.resampling import Counted

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
    (found,) = Counted.of([of(values).pairs()]).pooled([q])
    assert found / 1e6 == pytest.approx(expected, rel=0.01)


@given(SECONDS)
def test_a_value_lies_in_its_bucket(value):
    ((bucket, count),) = of([value]).pairs()
    assert count == 1
    assert 1.01**bucket * (1 - 1e-9) <= value * 1e6 <= 1.01 ** (bucket + 1) * (1 + 1e-9)


@pytest.mark.parametrize("value", [0.0, -1e-9, 5e-10, 1e-6])
def test_what_is_below_a_microsecond_is_in_bucket_0(value):
    assert of([value]).pairs() == [[0, 1]]


@given(MANY, MANY)
def test_added_are_as_if_recorded_in_one(left, right):
    assert added([of(left).pairs(), of(right).pairs()]) == of(left + right).pairs()
    assert of(left + right).total == len(left) + len(right)


@given(MANY)
def test_pairs_are_sorted_and_have_every_value(values):
    pairs = of(values).pairs()
    assert pairs == sorted(pairs) == added([pairs])
    assert sum(count for _, count in pairs) == len(values)


def test_an_empty_one_has_no_value():
    assert Counted.of([Histogram().pairs()]).total == 0
    assert Histogram().pairs() == added([]) == []
