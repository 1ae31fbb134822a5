"""`hotpath lab`: exit codes, and what is refused before anything starts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from loadtests.lab.cli import app, exit_code
from loadtests.lab.statistics import summarised
from tests.lab import made_up


def lab(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def stored(directory, result):
    directory.mkdir()
    (directory / "result.json").write_text(json.dumps(result))
    return directory


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "fast"], "profile: expected one of"),
        (["--price", "cheap"], "price: expected"),
        (["--slo", "/nowhere.toml"], "/nowhere.toml: expected a file of thresholds"),
        (["--variants", "rsut-thread"], "variants: "),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_starts(arguments, message, tmp_path):
    found = lab("run", *arguments, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert message in found.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ignored", ["", "HUP", "TERM"])
def test_a_signal_that_nohup_or_a_script_ignores_does_not_end_a_run(ignored):
    program = (
        "import signal, sys; from loadtests.lab.cli import _end_as_by_ctrl_c; _end_as_by_ctrl_c();"
        "print(*(n for n in ('HUP', 'TERM') if signal.getsignal(signal.Signals['SIG' + n])"
        " is not signal.default_int_handler))"
    )
    shell = f"trap '' {ignored}; " if ignored else ""
    done = subprocess.run(
        ["sh", "-c", shell + 'exec "$@"', "sh", sys.executable, "-c", program],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == ignored


def test_a_result_of_another_schema_is_refused(tmp_path):
    (tmp_path / "result.json").write_text('{"schema": "hotpath.lab.result/1"}')
    found = lab("report", tmp_path)
    assert found.exit_code == 2
    assert "expected 'hotpath.lab.result/2'" in found.stderr


def run_of(seed, cost_us):
    maker = made_up.Maker(seed, rounds=20, noise=0.02)
    maker.target("rust-thread")
    maker.cell("engines", "matches", "rust-thread", cost_us, items=4)
    result = maker.result()
    return summarised(result, made_up.BASELINES)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda _: None, 0),
        (lambda result: [b.update(generator_cpu_s=b["window_s"]) for b in result["blocks"]], 3),
        (lambda result: result["blocks"][0]["faults"].append("status 500"), 1),
        (lambda result: result["voids"].update({result["cells"][0]["id"]: "crashed"}), 1),
        (lambda result: result.update(interrupted=True, complete=False), 1),
    ],
    ids=["sound", "late generator", "wrong answer", "crash", "interrupted"],
)
def test_a_late_generator_has_an_exit_code_of_its_own(harm, code):
    maker = made_up.Maker(1, rounds=5)
    maker.target("rust-thread")
    maker.cell("engines", "matches", "rust-thread", 1000.0, items=4)
    result = maker.result()
    harm(result)
    result = summarised(result, made_up.BASELINES)
    assert exit_code(result) == code


def test_compare_ends_with_1_where_something_got_slower(tmp_path):
    before = stored(tmp_path / "before", run_of(1, 1000.0))
    same = stored(tmp_path / "same", run_of(2, 1000.0))
    slower = stored(tmp_path / "slower", run_of(3, 1300.0))
    assert lab("compare", before, same).exit_code == 0
    found = lab("compare", before, slower, "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["slower"] is True
    assert lab("compare", before, slower, "--tolerance", 0.5).exit_code == 0
    assert lab("compare", before, tmp_path / "none").exit_code == 2


def test_report_is_written_again_from_a_stored_result(tmp_path):
    directory = stored(tmp_path / "run", run_of(1, 1000.0))
    found = lab("report", directory)
    assert found.exit_code == 0, found.output
    assert (directory / "report.html").read_text().startswith("<!")
    assert (directory / "report.md").exists()
