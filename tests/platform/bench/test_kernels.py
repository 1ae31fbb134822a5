"""`hotpath bench kernels` and `page`, for a domain of which the bench knows nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platform.bench.adding import HERE, ITEMS

ROOT = Path(__file__).parents[3]


def bench(*arguments: str, domain: str = "DOMAIN", code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "bench", *arguments],
        cwd=ROOT,
        env=os.environ | {"HOTPATH_DOMAIN": f"{HERE}:{domain}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 ms for each number: all of them in one call would outlast a slice."""
    out = tmp_path_factory.mktemp("run") / "run.json"
    bench("kernels", "--delay-s", "0.01", "--seconds", "0.1", "--out", str(out))
    return out


def test_every_engine_and_peer_is_timed_per_unit(stored: Path) -> None:
    rows = json.loads(stored.read_text())["rows"]
    one = {row["implementation"]: row for row in rows if row["threads"] == 1}
    assert one.keys() == {"plain", "other", "loop"}
    for name in ("plain", "other"):
        assert (one[name]["kernel"], one[name]["unit"]) == ("add", "number")
        # A sleep may last longer on a busy machine, and is never shorter; per call instead of
        # per number it would be more than ten times as much.
        assert 10e6 <= one[name]["ci_low"] <= one[name]["ns_per_unit"] <= one[name]["ci_high"]
        assert one[name]["ns_per_unit"] < 50e6
    assert one["loop"]["ns_per_unit"] < 1e5


def test_calls_at_the_same_time_are_counted_together(stored: Path) -> None:
    rows = json.loads(stored.read_text())["rows"]
    cores = os.cpu_count() or 1
    (found,) = (r for r in rows if (r["implementation"], r["threads"]) == ("plain", cores))
    # They sleep, so all of them take as long as one: a share of it each, and never less.
    assert 10e6 / cores <= found["ns_per_unit"]
    if cores > 1:
        assert found["ns_per_unit"] < 10e6


def test_the_run_says_what_ran_and_has_every_slice(stored: Path) -> None:
    run = json.loads(stored.read_text())
    assert run["settings"] == {"delay": 0.01, "seconds": 0.1, "slice_s": 0.25}
    assert [engine["name"] for engine in run["engines"]] == ["plain", "other"]
    assert len(run["samples"]) == len(run["rows"])
    assert {len(sample["ns_per_unit"]) for sample in run["samples"]} == {4}
    assert run["machine"]["cores"] == os.cpu_count()


def test_the_page_shows_the_run_and_multiples_of_the_yardstick(
    stored: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {n}:begin --><!-- {n}:end -->\n" for n in ("run", "add")))
    bench("page", str(stored), "--into", str(page))
    text = page.read_text()
    assert "; delay 0.01, 0.1 s counted for each row in slices of 0.25 s." in text
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if " × |" in line]
    times = {row[0]: float(row[-1].removesuffix(" ×")) for row in rows if row[2] == "1"}
    # The loop takes microseconds where a kernel sleeps for 10 ms.
    assert times.keys() == {"plain", "other", "loop"}
    assert times["loop"] == 1
    assert times["plain"] < 0.01
    assert "Yardstick: `loop` per number." in text


def test_one_engine_by_name_and_the_peers() -> None:
    done = bench("kernels", "--engine", "other", "--seconds", "0.1", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["implementation"] for row in rows} == {"other", "loop"}


def test_a_peer_with_another_answer_fails_the_run() -> None:
    done = bench("kernels", "--wrong", "--seconds", "0.1", code=1)
    assert "peer 'loop': expected the kernel's answer, got another" in done.stderr
    assert "error: loop (add) ended with code 1; its message is above" in done.stderr
    assert not done.stdout


def test_a_peer_that_is_not_installed_is_named_with_what_to_install() -> None:
    done = bench("kernels", "--seconds", "0.1", domain="WITHOUT_PEER", code=1)
    wanted = "peer 'absent': No module named 'no_such_module'; run: pip install no-such-package"
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kernel", "no"), "error: kernel: expected one of add, got 'no'"),
        (("--engine", "no"), "error: unknown engine 'no'; choose one of: other, plain"),
        (("--delay-s", "-1"), "Invalid value for '--delay-s'"),
    ],
)
def test_wrong_input_is_told(arguments: tuple[str, ...], message: str) -> None:
    assert message in bench("kernels", *arguments, code=2).stderr


def test_a_domain_without_benches_is_told_so() -> None:
    done = bench("kernels", domain="WITHOUT_BENCHES", code=2)
    assert "error: the domain 'adding' has no kernel benches" in done.stderr


def test_the_domains_options_stand_in_the_help() -> None:
    text = bench("kernels", "--help").stdout
    assert "--delay-s" in text
    assert "for each number" in text
    assert "of add" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("{}", "schema: expected 'hotpath.bench.result/1', got 'None'")],
)
def test_a_page_of_something_else_is_refused(
    tmp_path: Path, content: str | None, message: str
) -> None:
    run = tmp_path / "run.json"
    if content is not None:
        run.write_text(content)
    assert message in bench("page", str(run), code=2).stderr


def units_of_one_call(delay_s: float) -> int:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "loadtests.bench.worker"),
            *("add", "plain", "number", "1", "plain", json.dumps({"delay_s": delay_s})),
        ],
        cwd=ROOT,
        env=os.environ | {"HOTPATH_DOMAIN": f"{HERE}:DOMAIN"},
        input="",
        capture_output=True,
        text=True,
        timeout=250,
        check=True,
    )
    return int(json.loads(done.stdout)["units"])


def test_a_slow_kernel_gets_as_many_items_as_a_slice_holds_and_a_quick_one_all() -> None:
    assert units_of_one_call(0) == ITEMS
    # A busy machine may take some away, and adds none.
    tries = (units_of_one_call(0.02) for _ in range(5))
    assert any(0.25 / 4 < 0.02 * units <= 0.25 for units in tries)
