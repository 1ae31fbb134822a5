"""The platform's commands. What starts no server is quick, and ends with 0, 1 or 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.platform.running import hotpath
from tests.platform.toy import ENGINES

# The toy with one more engine, whose package is not installed, or cannot be imported.
LACKING = """
from dataclasses import replace
from service.offload.spec import EngineSpec
from tests.platform.toy import DOMAIN as TOY, ENGINES
EXTRA = EngineSpec("extra", "toy_extra", ("inline",), "hotpath", "")
DOMAIN = replace(TOY, engines=(*ENGINES, EXTRA))
"""


@pytest.fixture
def lacking(tmp_path: Path) -> dict[str, str]:
    """An environment in which the last engine's module is not there."""
    (tmp_path / "lacking.py").write_text(LACKING)
    return {"PYTHONPATH": str(tmp_path), "HOTPATH_DOMAIN": "lacking:DOMAIN"}


def test_engines_json_lists_the_table() -> None:
    listed = json.loads(hotpath("engines", "--json").stdout)
    assert [(e["name"], tuple(e["offloads"])) for e in listed] == [
        (spec.name, spec.offloads) for spec in ENGINES
    ]
    assert {tuple(e) for e in listed} == {("name", "offloads", "available", "version", "detail")}
    assert all(e["available"] for e in listed)


def test_the_openapi_document_is_the_domains() -> None:
    paths = json.loads(hotpath("openapi").stdout)["paths"]
    assert {"/v1/sums", "/v1/things", "/v1/engines", "/health/ready"} <= set(paths)


def test_serving_an_engine_that_is_not_built_says_how_to_build_it(lacking: dict[str, str]) -> None:
    done = hotpath("serve", expect=2, **lacking, HOTPATH_ENGINE="extra")
    assert done.stderr.decode() == "error: engine 'extra' is not installed; run: make setup\n"


def test_an_engine_that_is_broken_is_not_called_missing(
    lacking: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "toy_extra.py").write_text("import no_such_library\n")
    done = hotpath("serve", expect=2, **lacking, HOTPATH_ENGINE="extra")
    assert "'extra' is installed but broken: No module named 'no_such_library'" in str(done.stderr)


def test_a_missing_engine_is_listed_as_not_available(lacking: dict[str, str]) -> None:
    *others, extra = json.loads(hotpath("engines", "--json", **lacking).stdout)
    assert all(engine["available"] for engine in others)
    assert (extra["name"], extra["available"], extra["version"]) == ("extra", False, None)
    assert "make setup" in extra["detail"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"HOTPATH_ENGINE": "plian"}, "unknown engine 'plian'; choose one of: oracle, plain"),
        ({"HOTPATH_OFFLOAD": "boat"}, "offload of engine 'plain': expected one of inline, thread"),
        ({"HOTPATH_THREADS": "0"}, "threads: expected"),
        ({"HOTPATH_MAX_BODY_BYTES": "many"}, "max_body_bytes: expected an integer, got 'many'"),
    ],
)
def test_serve_refuses_wrong_settings_before_it_starts(setting, message) -> None:
    assert message in hotpath("serve", expect=2, **setting).stderr.decode()
