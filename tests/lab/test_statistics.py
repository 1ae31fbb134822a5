"""Figures from blocks, against values worked out by hand."""

import pytest

from loadtests.lab.statistics import paired_ratios, percentile, spread, summarise


@pytest.mark.parametrize(
    ("percent", "expected"),
    # 1000 observations: 1 (500 times), 2 (400), 3 (90), 100 (10). The 990th is a 3.
    [(50, 1), (90, 2), (99, 3)],
)
def test_percentile_is_the_nearest_rank(percent, expected):
    assert percentile({100: 10, 3: 90, 2: 400, 1: 500}, percent) == expected


@pytest.mark.parametrize(("percent", "needed"), [(50, 10), (90, 50), (99, 500)])
def test_percentile_needs_five_observations_beyond_it(percent, needed):
    assert percentile({7: needed}, percent) == 7
    assert percentile({7: needed - 1}, percent) is None


def test_percentile_of_nothing_is_unknown():
    assert percentile({}, 50) is None


def test_spread_is_median_and_range():
    assert spread([3.0, 1.0, 8.0]) == {"median": 3.0, "min": 1.0, "max": 8.0, "rounds": 3}
    assert spread([]) is None


def test_ratios_pair_the_same_round_only():
    assert paired_ratios({1: 10.0, 2: 30.0, 4: 7.0}, {1: 5.0, 2: 10.0, 3: 1.0}) == [2.0, 3.0]


def block(variant, round_, completed, cpu_s, peak):
    return {
        "variant": variant,
        "round": round_,
        "completed": completed,
        "window_s": 2.0,
        "latency_unit_ms": 0.01,
        "latency": [[100 * round_, completed]],
        "generator_cpu_s": 0.5,
        "faults": [],
        "usage": {
            "server": {"processes": 1, "cpu_s": cpu_s, "peak_memory_bytes": peak},
            "sidecar": {"processes": 0, "cpu_s": 0.0, "peak_memory_bytes": 0},
        },
    }


BLOCKS = [
    block("a", 1, 10, 1.0, 50),
    block("b", 1, 40, 1.0, 70),
    block("b", 2, 80, 1.0, 90),
    block("a", 2, 8, 1.6, 60),
]


def test_summary_of_two_variants():
    a, b = summarise(["a", "b"], {}, BLOCKS, names_per_request=4, baselines=["a"])
    assert a["throughput_rps"] == {"median": 4.5, "min": 4.0, "max": 5.0, "rounds": 2}
    assert b["throughput_names_per_s"]["median"] == 120.0
    assert b["speedup"]["a"] == {"median": 7.0, "min": 4.0, "max": 10.0, "rounds": 2}
    assert a["server"]["cpu_ms_per_request"] == {
        "median": 150.0, "min": 100.0, "max": 200.0, "rounds": 2,
    }  # fmt: skip
    assert b["server"]["peak_memory_bytes"] == 90
    assert b["latency_ms"] == {"p50": 2.0, "p90": 2.0, "p99": None}  # 40 at 1 ms, 80 at 2 ms
    assert (a["requests"], b["requests"]) == (18, 120)
    assert a["generator_cpu_share"]["median"] == 0.25


def test_void_variant_has_no_figures_and_is_no_baseline():
    a, b = summarise(["a", "b"], {"a": "wrong answer"}, BLOCKS, 4, ["a"])
    assert a["void"] == "wrong answer"
    assert a["throughput_rps"] is None
    assert a["requests"] == 0
    assert a["latency_ms"] == {"p50": None, "p90": None, "p99": None}
    assert b["throughput_rps"]["median"] == 30.0
    assert b["speedup"]["a"] is None
