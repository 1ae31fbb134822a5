"""The platform's routes are answered alike, compiled or not: on the toy domain."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.testclient import TestClient

from service.app import create_app
from service.compiled import parse_json
from service.http.json_bodies import StrictJson
from service.settings import Settings
from tests.compiled.wire import assert_same, examples, json_request, request, variations
from tests.platform.conftest import MAX_BODY_BYTES
from tests.platform.running import hotpath, serving
from tests.platform.toy import DOMAIN
from tests.servers import Server


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of a server that compiles its routes, and of one that doesn't."""
    with ExitStack() as stack:
        servers: list[Server] = []
        for compiled in ("true", "false"):
            log = tmp_path_factory.mktemp(f"compiled-{compiled}") / "log"
            servers.append(
                stack.enter_context(
                    serving(
                        log,
                        engine="plain",
                        offload="thread",
                        allow_engine_override="true",
                        max_body_bytes=str(MAX_BODY_BYTES),
                        compiled_routes=compiled,
                        bench_routes="true",
                    )
                )
            )
        yield servers[0].port, servers[1].port


def test_every_route_of_the_platform_is_compiled() -> None:
    served = create_app(Settings(), DOMAIN)
    reasons = {route.path: route.reason for route in served.state.compiled.routes() if route.reason}
    assert reasons == {
        "/openapi.json": "not a FastAPI route: Route",
        "/docs/static": "not a FastAPI route: Mount",
    }


def test_a_request_is_answered_by_the_compiled_route(settings: Settings) -> None:
    served = create_app(settings.model_copy(update={"engine": "plain"}), DOMAIN)
    with TestClient(served) as client:
        answer = client.post("/v1/sums", json={"numbers": [1, 2]}, headers={"X-Request-ID": "mine"})
        assert answer.json() == {"total": 3}
        assert answer.headers["X-Request-ID"] == "mine"
        assert "kernel;dur=" in answer.headers["Server-Timing"]
        assert client.post("/v1/sums", json={"numbers": "x"}).status_code == 422
    answered = {route.path: route.answered for route in served.state.compiled.routes()}
    assert answered["/v1/sums"] == 1


def test_each_example_of_the_document_and_what_may_be_wrong_with_it(both: tuple[int, int]) -> None:
    document = create_app(Settings(bench_routes=True), DOMAIN).openapi()
    seen = 0
    for method, path, example in examples(document):
        if example is None:
            target = path.replace(b"{id}", b"01890000-0000-7000-8000-000000000000")
            if not target.startswith(b"/bench/") or target in (b"/bench/json", b"/bench/plaintext"):
                seen += assert_same(*both, request(method, target)).startswith(b"HTTP/1.1 200")
            continue
        for content in variations(path, example):
            assert_same(*both, content)
        assert assert_same(*both, json_request(path, example)).startswith(b"HTTP/1.1 20")
        seen += 1
    assert seen >= 5


@pytest.mark.parametrize(
    "content",
    [
        {"numbers": [1], "fault": "raises"},
        {"numbers": [1], "fault": "panics"},
        {"numbers": [2**70, -1]},
        {"numbers": []},
        {"numbers": [1] * 1001},
        {"numbers": [1], "wait_s": 61},
    ],
)
@pytest.mark.parametrize("engine", ["plain", "oracle", "unknown"])
def test_what_a_kernel_does_is_told_alike(
    both: tuple[int, int], content: dict[str, object], engine: str
) -> None:
    assert_same(*both, json_request(b"/v1/sums", content, b"x-engine: " + engine.encode()))


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(json_like, st.binary(max_size=3))
def test_the_strict_rules_take_all_that_compiled_routes_do(value: object, more: bytes) -> None:
    """Or a body would be taken that the rules refuse."""

    async def strictly(body: bytes) -> object:
        make = StrictJson.compiled.request
        assert make is not None
        headers = [(b"content-type", b"application/json")]
        made = make({"type": "http", "headers": headers}, lambda: None)  # type: ignore[arg-type, return-value]
        made._body = body
        return await made.json()

    body = json.dumps(value).encode() + more
    try:
        found = StrictJson.compiled.parse(body)
    except ValueError:
        return
    assert repr(found) == repr(asyncio.run(strictly(body)))
    assert StrictJson.compiled.parse is parse_json


def test_the_command_lists_the_routes() -> None:
    listed = [json.loads(line) for line in hotpath("routes", "--json").stdout.splitlines()]
    assert {"methods": ["POST"], "path": "/v1/sums", "compiled": True, "reason": ""} in listed
    reasons = {route["path"]: route["reason"] for route in listed}
    assert reasons["/docs/static"] == "not a FastAPI route: Mount"
    assert re.search(rb"(?m)^POST +/v1/sums +compiled$", hotpath("routes").stdout)


def test_the_command_says_that_the_setting_is_off() -> None:
    done = hotpath("routes", expect=2, HOTPATH_COMPILED_ROUTES="false")
    assert b"HOTPATH_COMPILED_ROUTES is off" in done.stderr


def test_the_setting_is_a_switch() -> None:
    assert Settings().compiled_routes
    assert not hasattr(create_app(Settings(compiled_routes=False), DOMAIN).state, "compiled")
    with pytest.raises(ValidationError):
        Settings(compiled_routes="perhaps")  # type: ignore[arg-type]
