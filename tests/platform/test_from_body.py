"""Bodies that an engine answers by itself, over HTTP, on every offload that can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from tests.platform.running import serving
from tests.platform.toy import DOMAIN, plain
from tests.servers import Server

OFFLOADS = ("inline", "thread", "process", "auto")
BODIES = {
    "plain": b'{"numbers": [1, 2, 3]}',
    "heavy": json.dumps({"numbers": list(range(500))}).encode(),
    "not plain": b'{"numbers": [1, -2, 3], "fault": "none"}',
    "with a duplicate": b'{"numbers": [9], "numbers": [1]}',
    "wrong": b'{"numbers": [1, "2"]}',
    "unknown": b'{"numbers": [1], "other": 2}',
    "too many": json.dumps({"numbers": [1] * 1001}).encode(),
    "broken": b'{"numbers": [1',
    "empty": b"",
    "no object": b"[1]",
}


@pytest.fixture(scope="module", params=OFFLOADS)
def fast(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("from-body") / "log"
    with serving(log, engine="plain", offload=request.param, threads="1", processes="1") as server:
        yield server


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """By an engine that answers no bodies."""
    with serving(tmp_path_factory.mktemp("usual") / "log", engine="oracle") as server:
        yield server


def post(server: Server, body: bytes, **headers: str) -> httpx2.Response:
    headers = {"Content-Type": "application/json", "X-Request-Id": "one"} | headers
    return server.client.post("/v1/sums", content=body, headers=headers)


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_the_answer_is_the_usual_one(fast: Server, usual: Server, body: bytes) -> None:
    found, expected = post(fast, body), post(usual, body)
    assert (found.status_code, found.content) == (expected.status_code, expected.content)
    own = {"date", "server-timing", "x-engine", "x-offload"}
    kept = [
        [(name, value) for name, value in answer.headers.items() if name not in own]
        for answer in (found, expected)
    ]
    assert kept[0] == kept[1]
    assert ("x-engine" in found.headers) == ("x-engine" in expected.headers)


def test_the_engine_alone_makes_the_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Unless the request says which engine it wants."""
    monkeypatch.setattr(plain, "answer_sum", lambda *_: b"its own")
    settings = Settings(
        engine="plain",
        offload="auto",
        allow_engine_override=True,
        database_url=f"sqlite:///{tmp_path}/db",
    )
    with TestClient(create_app(settings, DOMAIN)) as client:
        answers = [
            client.post("/v1/sums", json={"numbers": [1, 2]}, headers=headers).content
            for headers in ({}, {"X-Engine": "plain"}, {"X-Engine": "oracle"})
        ]
    assert answers == [b"its own", b'{"total":3}', b'{"total":3}']


def test_another_media_type_goes_the_usual_way(fast: Server) -> None:
    assert post(fast, BODIES["plain"], **{"Content-Type": "text/plain"}).status_code == 415
