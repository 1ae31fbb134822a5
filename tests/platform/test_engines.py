"""What a request is told about the engines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.offload.spec import EngineSpec
from tests.platform.running import add, serving
from tests.platform.toy import ENGINES
from tests.servers import Server


@pytest.mark.parametrize("spec", ENGINES, ids=lambda spec: spec.name)
def test_a_request_chooses_its_engine_and_is_told_which_ran(
    server: Server, spec: EngineSpec
) -> None:
    response = add(server, 1, 2, 3, engine=spec.name)
    assert (response.status_code, response.content) == (200, b'{"total":6}')
    assert response.headers["X-Engine"] == spec.name
    # Another engine than the configured one has its default offload.
    offload = "thread" if spec.name == "plain" else "inline"
    assert response.headers["X-Offload"] == offload


def test_the_times_are_broken_down(server: Server) -> None:
    timing = add(server, 1, wait_s=0.05).headers["Server-Timing"]
    spans = {name: float(span) for name, span in re.findall(r"(\w+);dur=([\d.]+)", timing)}
    assert {"parse", "queue", "prepare", "kernel", "rpc", "finish", "total"} == spans.keys()
    assert spans["kernel"] >= 50
    assert spans["rpc"] == 0
    assert spans["total"] >= spans["kernel"]


def test_the_engines_are_listed(server: Server) -> None:
    listed = server.client.get("/v1/engines").json()
    assert listed["configured"] == "plain-thread"
    assert [engine["name"] for engine in listed["engines"]] == ["oracle", "plain"]
    assert all(engine["available"] and engine["version"] for engine in listed["engines"])


def test_the_probe_names_the_variant(server: Server) -> None:
    assert server.client.get("/health/ready").json() == {
        "status": "ready",
        "engine": "plain-thread",
        "database": True,
    }


def test_the_last_of_the_table_serves_by_default(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        response = add(server, 1)
        found = response.headers["X-Engine"], response.headers["X-Offload"]
        assert found == ("plain", "inline")
