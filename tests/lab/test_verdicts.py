"""Thresholds: what is refused, what is judged, and by which figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.lab import verdicts
from loadtests.lab.statistics import summarised
from loadtests.lab.targets import LabError
from tests.lab import made_up


@pytest.fixture(scope="module")
def result():
    maker = made_up.Maker(rounds=6)
    maker.target("rust-thread")
    maker.cell("engines", "matches", "rust-thread", 1000.0, items=4)
    maker.cell("engines", "seals", "rust-thread", 1000.0, items=10)
    maker.cell("engines", "seals", "rust-thread", 1000.0, items=100)
    for rate in (200.0, 400.0):
        maker.cell("load", "matches", "rust-thread", 1000.0, model="open", users=None,
                   rate_rps=rate, arrivals="poisson", items=4)  # fmt: skip
    made = maker.result()
    return summarised(made, made_up.BASELINES)


def judged(result, tmp_path, text):
    path = tmp_path / "slo.toml"
    path.write_text(text)
    return verdicts.judged(result, path)["verdicts"]


ROW = '[[threshold]]\nscenario = "matches"\ntarget = "rust-thread"\n'
ENGINES = ROW + 'section = "engines"\n'


@pytest.mark.parametrize(
    ("metric", "expected"),
    # 1,000 us of server, 0.9 of it CPU time, 2 users in front of it.
    [("throughput_rps", 1000), ("per_core_rps", 1111), ("cpu_ms_per_request", 0.9), ("p50_ms", 2)],
)
def test_metric_is_judged_by_its_figure(result, tmp_path, metric, expected):
    over, under = judged(
        result, tmp_path,
        f'{ENGINES}metric = "{metric}"\nmax = {0.6 * expected}\n'
        f'{ENGINES}metric = "{metric}"\nmin = {0.6 * expected}\n',
    )  # fmt: skip
    assert over["value"] == under["value"] == pytest.approx(expected, rel=0.35)
    assert not over["passed"]
    assert under["passed"]
    assert over["limit"] == f"at most {0.6 * expected:g}"


def test_a_missed_threshold_makes_the_result_incomplete(result, tmp_path):
    path = tmp_path / "slo.toml"
    for limit, complete in ((1e9, True), (1e-9, False)):
        path.write_text(f'{ENGINES}metric = "p50_ms"\nmax = {limit}\n')
        assert verdicts.judged(result, path)["complete"] is complete


def test_load_is_judged_at_the_lowest_rate_that_is_enough(result, tmp_path):
    text = ROW + 'section = "load"\nmetric = "p50_ms"\nmax = 50\nat_rps = '
    assert judged(result, tmp_path, f"{text}150")[0]["cell"].endswith("@200")
    assert judged(result, tmp_path, f"{text}300")[0]["cell"].endswith("@400")
    missed = judged(result, tmp_path, f"{text}500")[0]
    assert not missed["passed"]
    assert missed["reason"] == "no load of 500 requests/s or more was measured"


def test_void_cell_misses_every_threshold(tmp_path):
    maker = made_up.Maker(rounds=3)
    maker.target("rust-thread")
    maker.cell("engines", "matches", "rust-thread", 1000.0)
    made = maker.result(voids={"engines/matches/rust-thread": "crashed"})
    made = summarised(made, made_up.BASELINES)
    rows = judged(
        made, tmp_path, f'{ROW}metric = "error_free"\n{ROW}metric = "p50_ms"\nmax = 9e9\n'
    )
    assert [row["passed"] for row in rows] == [False, False]
    assert rows[0]["reason"] == "void: crashed"


def test_error_free_cell_passes(result, tmp_path):
    assert judged(result, tmp_path, ENGINES + 'metric = "error_free"')[0]["passed"]


def test_percentile_of_too_few_requests_is_missed(result, tmp_path):
    (row,) = judged(result, tmp_path, ENGINES + 'metric = "p999_ms"\nmax = 1e6')
    assert (row["value"], row["passed"]) == (None, False)
    assert row["reason"] == "too few requests for this percentile"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected"),
        ("x = 1", "threshold"),
        ("[[threshold]", "expected a file of thresholds"),
        ('[[threshold]]\nscenario = "matches"', "target: expected a name, got None"),
        (ENGINES + 'metric = "p98_ms"\nmax = 1', "unknown metric 'p98_ms'; choose one of: p50_ms"),
        (ENGINES + 'metric = "p99_ms"', "expected one of max and min"),
        (ENGINES + 'metric = "p99_ms"\nmax = 1\nmin = 1', "expected one of max and min"),
        (ENGINES + 'metric = "error_free"\nmax = 1', "expected neither max nor min"),
        (ENGINES + 'metric = "p99_ms"\nmax = "1"', "max: expected a number above 0, got '1'"),
        (ENGINES + 'metric = "p99_ms"\nmax = true', "max: expected a number above 0, got True"),
        (ENGINES + 'metric = "p99_ms"\nmax = nan', "max: expected a number above 0, got nan"),
        (ENGINES + 'metric = "p99_ms"\nlimit = 1', "unknown key 'limit'"),
        (ROW + 'metric = "p99_ms"\nmax = 1', "several cells match; add section, items or at_rps"),
        (
            '[[threshold]]\nscenario = "seals"\ntarget = "rust-inline"\nmetric = "p99_ms"\nmax = 1',
            "no cell of 'seals' and 'rust-inline'; measured: engines/matches/rust-thread",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(result, tmp_path, text, words):
    with pytest.raises(LabError) as error:
        judged(result, tmp_path, text)
    assert words in str(error.value)


def test_items_tell_cells_apart(result, tmp_path):
    row = '[[threshold]]\nscenario = "seals"\ntarget = "rust-thread"\nmetric = "p50_ms"\nmax = 50\n'
    assert (
        judged(result, tmp_path, row + "items = 100")[0]["cell"] == "engines/seals/rust-thread*100"
    )
    with pytest.raises(LabError, match="several cells match"):
        judged(result, tmp_path, row)


def test_example_can_be_read():
    example = Path(verdicts.__file__).parents[1] / "slo.toml"
    assert {t.metric for t in verdicts.read(example)} == {
        "error_free", "cpu_ms_per_request", "p99_ms",
    }  # fmt: skip
