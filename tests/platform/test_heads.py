"""What can be read in two ways is read in one: the head of a request, ahead of any route."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from service.servers import Server as Name
from tests.platform.conftest import MAX_BODY_BYTES
from tests.platform.running import serving
from tests.raw_http import ask, chunked
from tests.servers import Server

BAD = (400, "bad_request", [])


@pytest.fixture(scope="module", params=list(Name))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp(request.param) / "log"
    with serving(
        log,
        *("--server", request.param),
        domain="tests.platform.toy.totals:DOMAIN",
        engine="plain",
        allow_engine_override="true",
        max_body_bytes=str(MAX_BODY_BYTES),
    ) as found:
        yield found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("number=1&number=2", (200,)),  # a list may be given in parts
        ("number=1&n%75mber=2&factor=3", (200,)),
        ("number=1&factor=3&factor=3", BAD),
        ("number=1&factor=3&f%61ctor=4", BAD),
        ("number=1&x=1&x=2", BAD),
        ("number=1&number=1_0", (422, "invalid_argument", ["number[1]"])),
        ("number=1&factor=%2B1", (422, "invalid_argument", ["factor"])),
        ("number=1&factor=1;x", (422, "invalid_argument", ["factor"])),
        ("number=1&x=%zz", BAD),
        ("number=1&x=%ff", BAD),
    ],
)
def test_a_parameter_comes_once_unless_it_is_a_list(server: Server, query: str, expected) -> None:
    assert ask(server.port, f"/v1/totals?{query}").outline == expected


def test_a_list_has_all_of_its_parts(server: Server) -> None:
    found = ask(server.port, "/v1/totals?number=1&factor=10&number=-2&number=5")
    assert json.loads(found.body) == {"total": 40}


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Content-Encoding", "Content-Type", "Expect"),
        *("Idempotency-Key", "X-Engine", "X-Request-ID"),
    ],
)
def test_a_field_that_decides_something_comes_once(server: Server, name: str) -> None:
    for path in ("/health/live", "/v1/nothing"):
        found = ask(server.port, path, f"{name}: a", f"{name.lower()}: a")
        assert found.outline == BAD
        assert name.lower() in found.problem["detail"].lower()
        assert found.headers["X-Request-ID"] == found.problem["request_id"]


def test_so_does_host_of_which_some_parsers_say_less(server: Server) -> None:
    assert ask(server.port, "/health/live", "Host: y").status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/health/live%0A", 404),
        ("/health%2Flive", 404),
        ("/health/./live", 404),
        ("/v1/things/a%2Fb", 404),
        ("/v1/things/..", 404),
        ("/v1/things/a%0A", 422),
        ("/v1/things/{01a212b7-6b03-74eb-a318-6c877307c705}", 422),
        ("/v1/things/01a212b76b0374eba3186c877307c705", 422),
        ("/v1/things/%ff", 400),
        ("/v1/things/%zz", 400),
    ],
)
def test_a_path_is_read_strictly(server: Server, path: str, status: int) -> None:
    assert ask(server.port, path).status == status


@pytest.mark.parametrize(
    "path",
    [
        *("/health/live", "/health/ready", "/v1/things", "/v1/things/x", "/v1/engines"),
        *("/v1/totals?number=1", "/v1/nothing", "/openapi.json", "/docs"),
        "/docs/static/swagger-ui.css",
    ],
)
def test_head_is_get_without_the_body(server: Server, path: str) -> None:
    got, head = ask(server.port, path), ask(server.port, path, method="HEAD")
    assert (head.status, head.body) == (got.status, b"")
    assert int(head.headers["Content-Length"]) == len(got.body) > 0
    differing = {"x-request-id", "server-timing", "date"}
    fields = [{(k.lower(), v) for k, v in found.headers.items()} for found in (got, head)]
    assert {f for f in fields[0] if f[0] not in differing} == {
        f for f in fields[1] if f[0] not in differing
    }


@pytest.mark.parametrize(
    "fields", [("Content-Length: 0",), ("Transfer-Encoding: chunked",), ()], ids=" ".join
)
def test_no_body_is_no_json_however_it_is_said(server: Server, fields) -> None:
    body = chunked() if "Transfer-Encoding: chunked" in fields else b""
    for path in ("/v1/sums", "/v1/things"):
        found = ask(
            server.port, path, "Content-Type: application/json", *fields, method="POST", body=body
        )
        assert found.outline == (400, "malformed_json", [])


def test_an_encoded_body_is_of_no_known_type(server: Server) -> None:
    body = b'{"numbers": [1]}'
    fields = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    for coding, expected in (("gzip", 415), ("identity, gzip", 415), ("identity", 200)):
        fields_sent = (*fields, f"Content-Encoding: {coding}")
        assert (
            ask(server.port, "/v1/sums", *fields_sent, method="POST", body=body).status == expected
        )


def test_a_get_that_announces_too_large_a_body_is_refused(server: Server) -> None:
    found = ask(server.port, "/health/live", f"Content-Length: {MAX_BODY_BYTES + 1}")
    assert found.outline == (413, "body_too_large", [])
