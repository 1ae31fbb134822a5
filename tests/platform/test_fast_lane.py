from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from service.errors import ServiceError
from service.http import problems
from service.http.context import RequestContext
from service.http.fast_lane import FastAnswer, FastLane
from tests.platform.running import serving
from tests.servers import Server

CONTEXT = partial(RequestContext, request_timeout_s=2, max_body_bytes=100)


async def hello(scope: Scope) -> FastAnswer:
    return 200, [(b"content-type", b"text/plain")], b"fast"


async def refuses(scope: Scope) -> FastAnswer:
    raise ServiceError("overloaded", "too much")


async def breaks(scope: Scope) -> FastAnswer:
    raise ZeroDivisionError("a secret")


async def hangs(scope: Scope) -> FastAnswer:
    await asyncio.sleep(60)
    raise AssertionError("the deadline was not kept")


ROUTES = {
    ("GET", "/hello"): hello,
    ("GET", "/refuses"): refuses,
    ("GET", "/breaks"): breaks,
    ("GET", "/hangs"): hangs,
}


def declaring(paths: list[str]) -> FastAPI:
    app = FastAPI()
    app.add_middleware(CONTEXT)
    problems.install(app)
    for path in paths:
        app.add_api_route(path, lambda: "slow")
    return app


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastLane(declaring([path for _, path in ROUTES]), ROUTES, CONTEXT)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_it_answers_ahead_of_fastapi_with_what_every_answer_has(client: TestClient) -> None:
    response = client.get("/hello", headers={"X-Request-ID": "mine"})
    assert (response.status_code, response.content) == (200, b"fast")
    assert response.headers["X-Request-ID"] == "mine"
    assert response.headers["Server-Timing"].startswith("total;dur=")
    assert response.headers["Content-Length"] == "4"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/refuses", 503, "overloaded"),
        ("/breaks", 500, "internal"),
        ("/hangs", 504, "deadline_exceeded"),
    ],
)
def test_its_errors_are_problems(client: TestClient, path: str, status: int, code: str) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == code
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert "secret" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/hello?a=b", 200),
        ("POST", "/hello", 405),
        ("GET", "/hello/", 307),
        ("GET", "/x", 404),
    ],
)
def test_it_hands_on_what_it_does_not_answer(
    client: TestClient, method: str, path: str, status: int
) -> None:
    response = client.request(method, path, follow_redirects=False)
    assert response.status_code == status
    assert response.content != b"fast"
    assert "X-Request-ID" in response.headers


def test_what_it_answers_stays_in_openapi(client: TestClient) -> None:
    assert client.get("/openapi.json").json()["paths"].keys() == {path for _, path in ROUTES}


@pytest.mark.parametrize("declared", [[], ["/hello/"], ["/other"]])
def test_a_route_that_is_not_declared_is_refused_at_start(declared: list[str]) -> None:
    with pytest.raises(ValueError, match="expected the app to declare GET /hello"):
        FastLane(declaring(declared), {("GET", "/hello"): hello}, CONTEXT)


def test_a_method_that_is_not_declared_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="POST /hello"):
        FastLane(declaring(["/hello"]), {("POST", "/hello"): hello}, CONTEXT)


@pytest.mark.parametrize("path", ["/hello", "/refuses", "/slow"])
def test_a_request_leaves_nothing_to_the_collector(path: str) -> None:
    app = FastLane(declaring([*(path for _, path in ROUTES), "/slow"]), ROUTES, CONTEXT)

    class Exchange:
        """As a server's: it has the scope, and its method is what the application sends with."""

        def __init__(self) -> None:
            self.scope: Scope = {"type": "http", "method": "GET", "path": path}
            self.scope |= {"query_string": b"", "headers": [], "state": {}}
            self.status = 0

        async def receive(self) -> Message:
            return {"type": "http.request", "body": b""}

        async def send(self, message: Message) -> None:
            self.status = message.get("status", self.status)

    async def leftovers() -> int:
        for _ in range(3):  # the first ones fill caches
            gc.collect()
            exchange = Exchange()
            await app(exchange.scope, exchange.receive, exchange.send)
            assert exchange.status in (200, 503)
            del exchange
        return gc.collect()

    gc.disable()
    try:
        assert asyncio.run(leftovers()) == 0
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("fast") / "log"
    with serving(log, engine="plain", bench_routes="true", bench_rung="fast-lane") as server:
        yield server


def test_fast_routes_of_the_service_are_declared_and_errors_are_problems(fast: Server) -> None:
    paths: dict[str, Any] = fast.client.get("/openapi.json").json()["paths"]
    assert paths["/bench/json"]["get"]["operationId"] == "bench_json"
    assert paths["/bench/db"]["get"]["operationId"] == "bench_db"
    for path in ("/bench/json", "/bench/db"):
        response = fast.client.post(path)
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
        assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_without_its_table_the_fast_db_route_is_a_problem(tmp_path: Path) -> None:
    import sqlite3

    log = tmp_path / "log"
    with serving(log, engine="plain", bench_routes="true", bench_rung="fast-lane") as server:
        database = sqlite3.connect(tmp_path / "hotpath.db")
        database.execute("DROP TABLE world")
        database.commit()
        database.close()
        response = server.client.get("/bench/db")
        assert (response.status_code, response.json()["code"]) == (500, "internal")
        assert response.json()["request_id"] == response.headers["X-Request-ID"]
