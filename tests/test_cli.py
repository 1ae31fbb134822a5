"""The command line, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.screening.engines import ENGINES
from tests.screening.fixtures import ENGINE_NAMES


def hotpath(
    *arguments: str, stdin: bytes = b"", expect: int = 0, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == expect, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return done


def test_engines_json_lists_the_table() -> None:
    listed = json.loads(hotpath("engines", "--json").stdout)
    assert [(e["name"], tuple(e["offloads"])) for e in listed] == [
        (spec.name, spec.offloads) for spec in ENGINES
    ]
    assert {tuple(e) for e in listed} == {("name", "offloads", "available", "version", "detail")}
    assert all(e["available"] for e in listed)


def test_match_prints_one_object_a_line_and_the_same_on_every_engine() -> None:
    names = ["Zia Logistics GmbH", "", "ÉCOLE  d'Été", "名 前", "zia logistcs gmbh"]
    outputs = {
        hotpath(
            *("match", "--engine", engine, "--cutoff", "0.8", "--limit", "3", "--json"),
            stdin="\n".join(names).encode(),
        ).stdout
        for engine in ENGINE_NAMES
    }
    (output,) = outputs
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["name"] for line in lines] == names
    assert [tuple(line) for line in lines] == [("name", "normalized", "hits")] * len(names)
    assert lines[4]["hits"]
    assert tuple(lines[4]["hits"][0]) == ("row", "uid", "name", "normalized", "score")


def test_dump_prints_every_row() -> None:
    lines = hotpath("watchlist", "dump", "--json").stdout.splitlines()
    assert len(lines) == 20_000
    assert tuple(json.loads(lines[0])) == ("row", "uid", "name", "normalized")


def test_a_generated_list_can_be_used(tmp_path: Path) -> None:
    hotpath("watchlist", "generate", "--out", str(tmp_path), "--names", "50")
    dumped = hotpath("watchlist", "dump", "--watchlist", str(tmp_path), "--json")
    assert len(dumped.stdout.splitlines()) == 50


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ((), b"", "names: expected at least 1 items, got 0"),
        ((), b"\xff\n", "stdin, line 1: expected UTF-8, got b'\\xff'"),
        ((), b"a" * 10_000, "names[0]: expected at most 512 characters, got 10000"),
        (("--cutoff", "1.5"), b"a", "cutoff: expected 0 to 1, got 1.5"),
        (("--cutoff", "nan"), b"a", "cutoff: expected 0 to 1, got nan"),
        (("--limit", "0"), b"a", "limit: expected 1 to 1000, got 0"),
        (("--limit", "1001"), b"a", "limit: expected 1 to 1000, got 1001"),
        (("--engine", "rsut"), b"a", "unknown engine 'rsut'; choose one of: "),
        (("--watchlist", "/nowhere"), b"a", "/nowhere/sdn.csv: expected a readable file"),
    ],
)
def test_bad_input_ends_with_code_2_and_a_clear_message(arguments, stdin, message) -> None:
    done = hotpath("match", *arguments, stdin=stdin, expect=2)
    assert message in done.stderr.decode()
    assert done.stdout == b""


@pytest.fixture
def without_rust(tmp_path: Path) -> dict[str, str]:
    """An environment in which the module is not there."""
    (tmp_path / "hotpath_rust.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'hotpath_rust'\", name='hotpath_rust')\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("command", ["match", "serve"])
def test_an_engine_that_is_not_built_says_how_to_build_it(without_rust, command) -> None:
    arguments = ["--engine", "rust"] if command == "match" else []
    done = hotpath(command, *arguments, stdin=b"a", expect=2, **without_rust, HOTPATH_ENGINE="rust")
    assert done.stderr.decode() == "error: engine 'rust' is not installed; run: make setup\n"


def test_an_engine_that_is_broken_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "hotpath_rust.py").write_text("import no_such_library\n")
    done = hotpath("match", "--engine", "rust", stdin=b"a", expect=2, PYTHONPATH=str(tmp_path))
    assert "'rust' is installed but broken: No module named 'no_such_library'" in str(done.stderr)


def test_a_missing_engine_is_listed_as_not_available(without_rust) -> None:
    listed = json.loads(hotpath("engines", "--json", **without_rust).stdout)
    (rust,) = [engine for engine in listed if engine["name"] == "rust"]
    assert (rust["available"], rust["version"]) == (False, None)
    assert "make setup" in rust["detail"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"HOTPATH_ENGINE": "rsut"}, "unknown engine 'rsut'"),
        ({"HOTPATH_OFFLOAD": "rpc"}, "offload of engine 'rust': expected one of"),
        ({"HOTPATH_THREADS": "0"}, "threads: expected"),
        ({"HOTPATH_WATCHLIST": "/nowhere"}, "/nowhere/sdn.csv"),
    ],
)
def test_serve_refuses_wrong_settings_before_it_starts(setting, message) -> None:
    assert message in hotpath("serve", expect=2, **setting).stderr.decode()
