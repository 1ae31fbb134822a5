"""Header fields and bodies that could be taken for different things: one answer for both."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.contract.conftest import Api
from tests.contract.samples import payment
from tests.raw_http import Answer, ask, chunked

OK = (200,)
BAD = (400, "bad_request", [])
MALFORMED = (400, "malformed_json", [])
NOT_FOUND = (404, "not_found", [])
WRONG_TYPE = (415, "unsupported_media_type", [])
TOO_LARGE = (413, "body_too_large", [])


@pytest.mark.parametrize(
    "fields",
    [
        ("Idempotency-Key: a", "Idempotency-Key: b"),
        ("Idempotency-Key: a", "idempotency-key: a"),
        ("Idempotency-Key:", "Idempotency-Key: a"),
        ("Content-Type: text/plain",),
        ("Content-Type: application/json",),
        ("Content-Encoding: identity", "Content-Encoding: gzip"),
        ("Authorization: Basic eDp5", "Authorization: Bearer x"),
        ("X-Request-ID: a", "X-Request-ID: b"),
        ("X-Engine: python", "X-Engine: reference"),
        ("Expect: 100-continue", "Expect: 100-continue"),
    ],
    ids=" and ".join,
)
def test_a_field_that_decides_something_comes_once(stateless: Api, fields) -> None:
    body = json.dumps(payment()).encode()
    found = post(stateless, "/v1/payments", body, *fields)
    assert found.outline == BAD
    assert found.problem["request_id"] == found.headers["X-Request-ID"]


@pytest.mark.parametrize("second", ["Host: y", "Host: x", "Content-Length: 1"])
def test_so_do_host_and_length(stateless: Api, second: str) -> None:
    body = json.dumps(payment()).encode()
    assert post(stateless, "/v1/payments", body, second).status == 400


def test_fields_that_decide_nothing_may_be_repeated(stateless: Api) -> None:
    fields = ("Accept: a/b", "Accept: c/d", "X-Forwarded-For: a", "X-Forwarded-For: b")
    assert ask(stateless.server.port, "/v1/payments", *fields).status == 200


def post(api: Api, path: str, body: bytes, *fields: str, kind: str = "application/json") -> Answer:
    length = [] if any(f.lower().startswith("transfer-") for f in fields) else [len(body)]
    more = [f"Content-Type: {kind}"] if kind else []
    more += [f"Content-Length: {n}" for n in length]
    return ask(api.server.port, path, *more, *fields, method="POST", body=body)


# Bodies

CHUNKED = "Transfer-Encoding: chunked"
PATHS_WITH_BODY = ("/v1/payments", "/v1/matches", "/v1/seals")


@pytest.fixture(params=PATHS_WITH_BODY)
def path(request: pytest.FixtureRequest) -> str:
    return request.param


def test_no_body_is_no_json_however_it_is_said(stateless: Api, path: str) -> None:
    for kind in ("application/json", "text/plain", ""):
        assert post(stateless, path, b"", kind=kind).outline == MALFORMED
        assert post(stateless, path, chunked(), CHUNKED, kind=kind).outline == MALFORMED
        nothing = ask(stateless.server.port, path, f"Content-Type: {kind}", method="POST")
        assert nothing.outline == MALFORMED


@pytest.mark.parametrize("blank", [b" ", b"\n", b"\r\n\t ", b" " * 1000])
def test_nor_is_a_blank_one(stateless: Api, path: str, blank: bytes) -> None:
    assert post(stateless, path, blank).outline == MALFORMED
    assert post(stateless, path, chunked(blank), CHUNKED).outline == MALFORMED
    assert post(stateless, path, blank, kind="text/plain").outline == WRONG_TYPE


def test_a_body_in_chunks_is_a_body(stateless: Api) -> None:
    body = json.dumps({"names": ["a"]}).encode()
    pieces = chunked(*(bytes([byte]) for byte in body))
    assert post(stateless, "/v1/matches", pieces, CHUNKED).outline == OK


@pytest.mark.parametrize("value", ["100-continue", "100-Continue"])
def test_a_client_that_waits_to_send_is_told_to(stateless: Api, value: str) -> None:
    body = json.dumps({"names": ["a"]}).encode()
    assert post(stateless, "/v1/matches", body, f"Expect: {value}").outline == OK
    assert post(stateless, "/v1/matches", b"", f"Expect: {value}").outline == MALFORMED


@pytest.mark.parametrize(
    "coding", ["gzip", "deflate", "br", "x", "identity, gzip", "gzip, identity"]
)
def test_an_encoded_body_is_of_no_known_type(stateless: Api, path: str, coding: str) -> None:
    body = gzip.compress(json.dumps({"names": ["a"]}).encode())
    for content in (body, b"{}"):
        assert post(stateless, path, content, f"Content-Encoding: {coding}").outline == WRONG_TYPE
    assert post(stateless, path, b"", f"Content-Encoding: {coding}").outline == MALFORMED


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_identity_is_no_encoding(stateless: Api, coding: str) -> None:
    body = json.dumps({"names": ["a"]}).encode()
    assert post(stateless, "/v1/matches", body, f"Content-Encoding: {coding}").outline == OK


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("application/json", OK),
        ("APPLICATION/JSON", OK),
        ("application/json;charset=utf-8", OK),
        ("application/json ; charset=latin-1", OK),
        ("application/json;", OK),
        ("application/vnd.x+json", OK),
        ("application/json/x", WRONG_TYPE),
        ("application/x/y+json", WRONG_TYPE),
        ("application/jsonx", WRONG_TYPE),
        ("application/json x", WRONG_TYPE),
        ("application/json, text/plain", WRONG_TYPE),
        ("application/ json", WRONG_TYPE),
        ("application/+json", WRONG_TYPE),
        ("text/json", WRONG_TYPE),
        ("json", WRONG_TYPE),
        ('"application/json"', WRONG_TYPE),
    ],
)
def test_the_media_type_is_read_strictly(stateless: Api, kind: str, expected) -> None:
    body = json.dumps({"names": ["a"]}).encode()
    assert post(stateless, "/v1/matches", body, kind=kind).outline == expected


@pytest.mark.parametrize("path", ["/v1/payments?limit=1", "/health/live", "/v1/nothing"])
def test_a_body_where_none_is_meant_is_not_looked_at(stateless: Api, path: str) -> None:
    expected = NOT_FOUND if path.endswith("nothing") else OK
    port = stateless.server.port
    for body in (b"{}", b"\xff", b" " * 100_000):
        fields = (f"Content-Length: {len(body)}", "Content-Type: x", "Content-Encoding: gzip")
        assert ask(port, path, *fields, body=body).outline == expected
    assert ask(port, path, f"Content-Length: {(1 << 20) + 1}").outline == TOO_LARGE
