"""Schedules of the open model, against what the distributions' definitions say."""

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.lab.arrivals import schedule

RATES = st.floats(0.1, 100_000)
SEEDS = st.integers() | st.text(max_size=20)


@pytest.mark.parametrize("seed", [1, 2, "io"])
@pytest.mark.parametrize("rate_rps", [0.5, 100.0, 5000.0])
def test_poisson_gaps_are_exponential(seed, rate_rps):
    n = 20_000
    due = np.array(list(islice(schedule("poisson", rate_rps, seed), n)))
    gaps = np.sort(np.diff(due, prepend=0.0))
    expected = 1 - np.exp(-rate_rps * gaps)
    steps = np.arange(n + 1) / n
    distance = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    # Kolmogorov's bound; a right sampler exceeds it once in a hundred thousand seeds.
    assert distance < math.sqrt(-math.log(1e-5 / 2) / 2 / n)


def test_poisson_counts_do_not_depend_on_each_other():
    due = np.array(list(islice(schedule("poisson", 1000.0, 3), 100_000)))
    counts = np.histogram(due, bins=np.arange(0, 95, 0.01))[0]
    # Of a Poisson distribution variance and mean are equal; constant gaps would give 0.
    assert 0.94 < counts.var() / counts.mean() < 1.06
    assert abs(np.corrcoef(counts[:-1], counts[1:])[0, 1]) < 0.05


@given(RATES, SEEDS)
def test_constant_gaps_are_equal_and_begin_within_the_first(rate_rps, seed):
    due = np.array(list(islice(schedule("constant", rate_rps, seed), 100)))
    assert 0 <= due[0] <= 1 / rate_rps
    np.testing.assert_allclose(np.diff(due) * rate_rps, 1, rtol=1e-9)


@given(st.sampled_from(["poisson", "constant"]), RATES, SEEDS)
def test_the_seed_alone_decides(arrivals, rate_rps, seed):
    first = list(islice(schedule(arrivals, rate_rps, seed), 50))
    assert first == list(islice(schedule(arrivals, rate_rps, seed), 50))
    assert first != list(islice(schedule(arrivals, rate_rps, f"{seed}'"), 50))
    assert first == sorted(first)


@pytest.mark.parametrize(
    ("arrivals", "rate_rps", "message"),
    [
        ("poisson", 0, "rate_rps: expected more than 0, got 0"),
        ("constant", -1, "rate_rps"),
        ("poisson", float("nan"), "rate_rps"),
        ("bursts", 1, "arrivals: expected poisson or constant, got 'bursts'"),
    ],
)
def test_what_is_no_schedule_is_refused(arrivals, rate_rps, message):
    with pytest.raises(ValueError, match=message):
        schedule(arrivals, rate_rps, 1)
