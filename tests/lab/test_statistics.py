"""Figures from blocks, against numpy, against hand-worked values and against known laws."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from loadtests.lab import resampling
from loadtests.lab.statistics import block_void, summarised
from tests.lab.made_up import BASELINES, Maker


def two(seed=1, rounds=12, ratio=1.0, noise=0.05, drift=0.3, section="twins", costs=1000.0):
    maker = Maker(seed, rounds, noise, drift)
    maker.target("a", variant="rust-thread")
    maker.target("b", variant="rust-thread", twin_of="a")
    maker.cell(section, "matches", "a", costs)
    maker.cell(section, "matches", "b", costs / ratio)
    return maker.result()


def comparison(result, metric="throughput_rps"):
    return next(c for c in result["comparisons"] if c["metric"] == metric)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 0.999])
def test_pooled_percentile_is_within_one_percent_of_numpy(share):
    dice = np.random.default_rng(7)
    blocks = [dice.lognormal(7, 1, 4000) for _ in range(5)]
    found = resampling.latencies([Maker.pairs(block) for block in blocks])
    # The nearest rank; numpy's own percentile is led one rank astray by 99.9 / 100.
    expected = np.sort(np.concatenate(blocks))[round(20_000 * share) - 1] / 1000
    name = {0.5: "p50", 0.9: "p90", 0.99: "p99", 0.999: "p999"}[share]
    assert found[name] == pytest.approx(expected, rel=0.01)
    low, high = found["intervals"][name]
    assert low < expected < high


@pytest.mark.parametrize(("share", "needed"), [(0.5, 10), (0.9, 50), (0.99, 500)])
def test_percentile_needs_five_requests_beyond_it(share, needed):
    name = f"p{100 * share:.0f}"
    assert resampling.latencies([[[7, needed]]])[name] == pytest.approx(1.01**7.5 / 1000, rel=0.01)
    assert resampling.latencies([[[7, needed - 1]]])[name] is None


def test_no_request_has_no_latency():
    assert resampling.latencies([[], []]) is None


@pytest.mark.parametrize("rounds", [4, 8, 40])
def test_interval_of_a_ratio_covers_it_95_times_in_100(rounds):
    """Logs of paired ratios drawn around a known one; 600 runs of the method."""
    dice = np.random.default_rng(11)
    covered = 0
    for _ in range(600):
        _, low, high = resampling.mean_ratio(np.log(1.05) + dice.normal(0, 0.08, rounds))
        covered += low <= 1.05 <= high
    assert 0.92 <= covered / 600 <= 0.98


def test_interval_covers_the_true_ratio_through_drift():
    """Whole results, whose rounds drift far more than the two variants differ."""
    covered, misled = 0, 0
    for seed in range(40):
        result = two(seed, rounds=10, ratio=1.08, noise=0.02, drift=0.3)
        result = summarised(result, BASELINES)
        found = comparison(result)
        covered += found["low"] <= 1.08 <= found["high"]
        misled += found["low"] <= 1 <= found["high"]
    assert covered >= 35  # 38 expected
    assert misled <= 5


def test_a_variant_beside_itself_has_a_ratio_of_one():
    contains = 0
    for seed in range(40):
        result = two(seed, rounds=10)
        result = summarised(result, BASELINES)
        found = comparison(result)
        assert (found["numerator"], found["denominator"], found["pairs"]) == ("b", "a", 10)
        contains += found["low"] <= 1 <= found["high"]
    assert contains >= 35


@pytest.mark.parametrize("metric", ["p50_ms", "p99_ms"])
def test_latency_ratio_is_the_inverse_of_a_speed_up(metric):
    result = two(ratio=2.0, rounds=30)
    result = summarised(result, BASELINES)
    found = comparison(result, metric)
    assert found["low"] < 0.5 < found["high"]
    assert found["high"] / found["low"] < 1.3


def test_ratios_pair_blocks_of_the_same_round_only():
    result = two(rounds=6)
    result["blocks"] = [
        b for b in result["blocks"] if not (b["cell"].endswith("/b") and b["round"] > 4)
    ]
    result["blocks"].reverse()
    result = summarised(result, BASELINES)
    assert comparison(result)["pairs"] == 4


def test_two_blocks_have_no_interval():
    result = two(rounds=2)
    result = summarised(result, BASELINES)
    assert comparison(result)["low"] is None
    summary = result["summary"]["twins/matches/a"]
    assert summary["throughput_rps"]["blocks"] == 2
    assert summary["throughput_rps"]["low"] is None
    assert summary["latency_ms"]["main"]["intervals"]["p50"] is None


def by_hand():
    """Four blocks of 2 s with 10, 20, 30 and 90 requests, 1 s of CPU time in each."""
    result = two(rounds=4)
    for block, count in zip(
        [b for b in result["blocks"] if b["cell"].endswith("/a")], (10, 20, 30, 90)
    ):
        block["window_s"] = 2.0
        block["generator_cpu_s"] = 0.5
        block["streams"]["main"] |= {"completed": count, "latency": [[500, count]]}
        block["usage"]["server"] |= {"cpu_s": 0.75, "peak_memory_bytes": count}
        block["usage"]["sidecar"] |= {"cpu_s": 0.25, "processes": 1}
    return result


def test_summary_of_blocks_worked_by_hand():
    result = by_hand()
    result = summarised(result, BASELINES)
    figures = result["summary"]["twins/matches/a"]
    assert figures["requests"] == 150
    assert figures["throughput_rps"]["median"] == 12.5  # of 5, 10, 15 and 45
    assert 5 <= figures["throughput_rps"]["low"] < 12.5 < figures["throughput_rps"]["high"] <= 45
    assert figures["server"]["peak_memory_bytes"] == 90
    assert figures["server"]["cpu_ms_per_request"]["median"] == pytest.approx((37.5 + 25) / 2)
    assert figures["per_core_rps"]["median"] == pytest.approx(25)
    assert figures["generator_cpu_share"]["median"] == 0.25
    # 1/10, 1/20, 1/30 and 1/90 s of CPU time: the median of 1e6 such requests in hours.
    hours = (1 / 20 + 1 / 30) / 2 * 1e6 / 3600
    assert figures["cost_per_million"]["vcpu_hours"]["median"] == pytest.approx(hours)
    assert figures["cost_per_million"]["price"]["amount"]["median"] == pytest.approx(0.04 * hours)
    assert figures["cost_per_million"]["price"]["currency"] == "USD"


def test_without_a_price_there_is_none():
    result = by_hand()
    result["settings"]["price_per_vcpu_hour"] = None
    result = summarised(result, BASELINES)
    assert result["summary"]["twins/matches/a"]["cost_per_million"]["price"] is None


def test_one_fault_voids_a_cell_and_all_its_figures():
    result = two()
    result["blocks"][3]["faults"] = ["status: expected 200, got 500"]
    cell = result["blocks"][3]["cell"]
    result = summarised(result, BASELINES)
    assert result["voids"] == {cell: "status: expected 200, got 500"}
    assert result["summary"][cell]["void"] == "status: expected 200, got 500"
    assert result["summary"][cell]["throughput_rps"] is None
    assert result["summary"][cell]["latency_ms"] == {}
    assert result["comparisons"] == []
    assert not result["complete"]


def test_what_the_runner_saw_stays():
    result = two()
    result["voids"]["twins/matches/a"] = "crashed"
    result["blocks"] = [b for b in result["blocks"] if b["cell"].endswith("/b")]
    result = summarised(result, BASELINES)
    assert result["summary"]["twins/matches/a"]["void"] == "crashed"
    assert result["summary"]["twins/matches/b"]["void"] is None


def open_block():
    maker = Maker(rounds=1)
    maker.target("a")
    maker.cell("load", "matches", "a", 1000.0, model="open", rate_rps=2000.0, users=None)
    return maker.result()["blocks"][0]


def test_late_generator_voids_a_block():
    block = open_block()
    assert block_void(block) is None
    block["streams"]["main"]["latency"] = [[800, 1000]]  # 2,865 to 2,894 us
    block["streams"]["main"]["lag"] = [[400, 989], [560, 11]]  # 263 to 266 us: below a tenth
    assert block_void(block) is None
    block["streams"]["main"]["lag"] = [[400, 989], [580, 11]]  # 319 to 322 us at the 990th
    assert "0.321 ms late at p99" in block_void(block)


def test_busy_generator_voids_a_block():
    block = open_block()
    block["generator_cpu_s"] = 0.96 * block["window_s"]
    assert block_void(block) == "the generator used, or waited for, 96 % of a core"
    block["generator_cpu_s"] = 0.4 * block["window_s"]
    block["generator_waited_s"] = 0.4 * block["window_s"]
    assert block_void(block) is None
    block["generator_waited_s"] = 0.6 * block["window_s"]
    assert block_void(block) == "the generator used, or waited for, 100 % of a core"


@pytest.mark.parametrize(("busy", "void"), [(5, False), (6, True)])
def test_more_than_half_void_blocks_void_the_cell(busy, void):
    result = two(rounds=10)
    mine = [block for block in result["blocks"] if block["cell"].endswith("/a")]
    for block in mine[:busy]:
        block["generator_cpu_s"] = block["window_s"]
    result = summarised(result, BASELINES)
    assert ("twins/matches/a" in result["voids"]) is void
    if not void:
        assert result["summary"]["twins/matches/a"]["throughput_rps"]["blocks"] == 5
        assert comparison(result)["pairs"] == 5


def test_summary_is_the_same_each_time():
    first, second = two(), two()
    first = summarised(first, BASELINES)
    second = summarised(second, BASELINES)
    assert first == second
    again = copy.deepcopy(first)
    again = summarised(again, BASELINES)
    assert again == first
