"""The command line with the sample: its commands, its engines, its settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.offload.spec import EngineSpec, default
from service.screening.engines import ENGINES
from service.screening.synthetic import write_synthetic
from tests.command_line import hotpath
from tests.screening.fixtures import ENGINE_NAMES, NATIVE


def test_engines_json_lists_the_table() -> None:
    listed = json.loads(hotpath("engines", "--json").stdout)
    assert [(e["name"], tuple(e["offloads"])) for e in listed] == [
        (spec.name, spec.offloads) for spec in ENGINES
    ]
    assert all(e["available"] for e in listed)


def test_match_prints_one_object_a_line_and_the_same_on_every_engine(tmp_path: Path) -> None:
    write_synthetic(tmp_path, 500, 7)  # a whole list takes the reference half a minute
    listed = json.loads(
        hotpath("watchlist", "dump", "--watchlist", str(tmp_path), "--json").stdout.splitlines()[0]
    )["name"]
    names = [listed, "Zia Logistics GmbH", "", "ÉCOLE  d'Été", "名 前", "zia logistcs gmbh"]
    outputs = {
        hotpath(
            *("match", "--engine", engine, "--watchlist", str(tmp_path)),
            *("--cutoff", "0.8", "--limit", "3", "--json"),
            stdin="\n".join(names).encode(),
        ).stdout
        for engine in ENGINE_NAMES
    }
    (output,) = outputs
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["name"] for line in lines] == names
    assert [tuple(line) for line in lines] == [("name", "normalized", "hits")] * len(names)
    assert lines[0]["hits"][0]["name"] == listed
    assert tuple(lines[0]["hits"][0]) == ("row", "uid", "name", "normalized", "score")


def test_dump_prints_every_row() -> None:
    lines = hotpath("watchlist", "dump", "--json").stdout.splitlines()
    assert len(lines) == 20_000
    assert tuple(json.loads(lines[0])) == ("row", "uid", "name", "normalized")


def test_a_generated_list_can_be_used(tmp_path: Path) -> None:
    hotpath("watchlist", "generate", "--out", str(tmp_path), "--names", "50")
    dumped = hotpath("watchlist", "dump", "--watchlist", str(tmp_path), "--json")
    assert len(dumped.stdout.splitlines()) == 50
    assert (
        hotpath("watchlist", "dump", "--json", HOTPATH_WATCHLIST=str(tmp_path)).stdout
        == dumped.stdout
    )
    names = hotpath("match", "--json", stdin=b"x", HOTPATH_WATCHLIST="/nowhere", expect=2).stderr
    assert b"/nowhere/sdn.csv" in names


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


every_native = pytest.mark.parametrize("spec", NATIVE, ids=lambda spec: spec.name)


@pytest.fixture
def without(spec: EngineSpec, tmp_path: Path) -> dict[str, str]:
    """An environment in which the engine's module is not there."""
    (tmp_path / f"{spec.module}.py").write_text(
        f"raise ModuleNotFoundError(\"No module named '{spec.module}'\", name='{spec.module}')\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@every_native
@pytest.mark.parametrize("command", ["match", "serve"])
def test_an_engine_that_is_not_built_says_how_to_build_it(
    spec: EngineSpec, without: dict[str, str], command: str
) -> None:
    arguments = ["--engine", spec.name] if command == "match" else []
    done = hotpath(command, *arguments, stdin=b"a", expect=2, **without, HOTPATH_ENGINE=spec.name)
    expected = f"error: engine '{spec.name}' is not installed; run: make setup\n"
    assert done.stderr.decode() == expected


@every_native
def test_an_engine_that_is_broken_is_not_called_missing(spec: EngineSpec, tmp_path: Path) -> None:
    (tmp_path / f"{spec.module}.py").write_text("import no_such_library\n")
    done = hotpath("match", "--engine", spec.name, stdin=b"a", expect=2, PYTHONPATH=str(tmp_path))
    expected = f"'{spec.name}' is installed but broken: No module named 'no_such_library'"
    assert expected in done.stderr.decode()


@every_native
def test_a_missing_engine_is_listed_as_not_available(
    spec: EngineSpec, without: dict[str, str]
) -> None:
    listed = json.loads(hotpath("engines", "--json", **without).stdout)
    (found,) = [engine for engine in listed if engine["name"] == spec.name]
    assert (found["available"], found["version"]) == (False, None)
    assert "make setup" in found["detail"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"HOTPATH_ENGINE": "rsut"}, "unknown engine 'rsut'"),
        (
            {"HOTPATH_OFFLOAD": "boat"},
            f"offload of engine '{default(ENGINES).name}': expected one of",
        ),
        ({"HOTPATH_WATCHLIST": "/nowhere"}, "/nowhere/sdn.csv"),
    ],
)
def test_serve_refuses_wrong_settings_before_it_starts(setting, message) -> None:
    assert message in hotpath("serve", expect=2, **setting).stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_of_any_script_are_printed_on_any_terminal(encoding: str) -> None:
    names = "Иван Петров\nJosé\n"
    for form in ((), ("--json",)):
        done = hotpath("match", *form, stdin=names.encode(), PYTHONIOENCODING=encoding)
        if form:
            printed = [json.loads(line)["name"] for line in done.stdout.splitlines()]
            assert printed == names.split("\n")[:2]


# engine: go
def test_the_gateways_list_needs_no_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from service.screening.gateway import environment
    from service.screening.settings import ScreeningSettings

    monkeypatch.setenv("HOME", "/proc")  # where nothing can be written
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    written = Path(environment(ScreeningSettings())["HOTPATH_WATCHLIST"])
    assert written.is_relative_to(tmp_path)
    assert {path.name for path in written.iterdir()} == {"sdn.csv", "alt.csv"}


# engine: end
