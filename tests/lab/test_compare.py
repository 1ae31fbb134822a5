"""Two made-up runs, one of which is slower by a known factor."""

from __future__ import annotations

import pytest

from loadtests.lab import compare
from loadtests.lab.statistics import summarised
from loadtests.lab.targets import LabError
from tests.lab.made_up import BASELINES, Maker


def run(seed, cost=1000.0, rounds=20, noise=0.02, drift=0.02, slowed=None):
    maker = Maker(seed, rounds, noise, drift)
    maker.target("rust-thread")
    maker.target("twin", variant="rust-thread", twin_of="rust-thread")
    maker.cell("engines", "matches", "rust-thread", cost, items=4)
    maker.cell("engines", "seals", "rust-thread", 800.0, items=4)
    maker.cell("load", "matches", "rust-thread", cost, model="open", users=None, rate_rps=300.0,
               arrivals="poisson")  # fmt: skip
    for target in ("rust-thread", "twin"):
        maker.cell("twins", "matches", target, 900.0)
    result = maker.result()
    result["targets"]["twin"]["slowed"] = slowed
    return summarised(result, BASELINES)


def row(comparison, cell, metric):
    (found,) = (
        r for r in comparison["cells"] if r["cell"].startswith(cell) and r["metric"] == metric
    )
    return found


def test_slow_down_is_seen_and_only_where_it_is():
    found = compare.compare(run(1), run(2, cost=1200.0))
    slow = row(found, "engines/matches", "throughput_rps")
    assert slow["low"] < 1 / 1.2 < slow["high"]
    assert slow["change"] == "worse"
    assert row(found, "engines/matches", "per_core_rps")["change"] == "worse"
    assert row(found, "load/matches", "p99_ms")["ratio"] > 1.1
    assert row(found, "engines/seals", "throughput_rps")["change"] == "same"
    assert found["slower"]


def test_gain_is_no_loss():
    found = compare.compare(run(2, cost=1200.0), run(1))
    assert row(found, "engines/matches", "throughput_rps")["change"] == "better"
    assert not found["slower"]


def test_same_code_is_the_same():
    for seed in range(2, 12):
        found = compare.compare(run(1), run(seed))
        assert not found["slower"]
        assert {r["change"] for r in found["cells"]} <= {"same", "changed"}


@pytest.mark.parametrize(("tolerance", "slower"), [(0.05, True), (0.4, False)])
def test_tolerance_decides(tolerance, slower):
    assert compare.compare(run(1), run(2, cost=1250.0), tolerance)["slower"] is slower


def test_noise_of_the_twins_is_allowed_for():
    """Twins that differ by a quarter make a slow-down of a fifth mean nothing."""
    wild = run(2, cost=1200.0)
    for comparison in wild["comparisons"]:
        if comparison["section"] == "twins":
            comparison |= {"low": 0.8, "high": 1.25}
    found = compare.compare(run(1), wild)
    assert found["noise"] == pytest.approx(0.25)
    assert not found["slower"]


def test_slowed_twin_is_no_noise():
    assert compare.compare(run(1, slowed=1.05), run(2, slowed=1.05))["noise"] is None


def test_two_blocks_prove_nothing():
    found = compare.compare(run(1, rounds=2), run(2, rounds=2, cost=3000.0))
    assert not found["slower"]
    assert {r["low"] for r in found["cells"]} == {None}


def test_what_else_differs_is_said():
    other = run(2)
    other["machine"]["cpu"] = "Another CPU"
    other["machine"]["load_average"] = [9.0, 9.0, 9.0]
    other["machine"]["packages"] = {"locust": "3"}
    other["settings"]["database"] = "postgresql"
    assert compare.compare(run(1), other)["differences"] == [
        "machine: cpu: A CPU and Another CPU",
        "package locust: 2 and 3",
        "settings: database: sqlite and postgresql",
    ]


def test_void_cells_are_missing():
    other = run(2)
    other["voids"]["engines/seals/rust-thread*4"] = "crashed"
    found = compare.compare(run(1), other)
    assert found["missing"] == ["engines/seals/rust-thread*4"]
    assert not [r for r in found["cells"] if "seals" in r["cell"]]


def test_other_schema_is_refused():
    with pytest.raises(LabError, match="expected two alike"):
        compare.compare(run(1), run(2) | {"schema": "hotpath.lab.result/1"})


def test_nothing_in_common_is_refused():
    with pytest.raises(LabError, match="no cell has figures in both"):
        compare.compare(run(1), run(2) | {"blocks": []})


def test_table_says_what_changed(capsys):
    compare.print_table(compare.compare(run(1), run(2, cost=1200.0)))
    text = capsys.readouterr().out
    assert "engines/matches/rust-thread*4" in text
    assert "worse" in text
    assert "engines/seals" not in text
