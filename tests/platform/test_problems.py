"""What a request that cannot be answered gets: a problem document, whatever is wrong with it."""

from __future__ import annotations

import json

import pytest

from service.errors import CODES
from tests.platform.conftest import MAX_BODY_BYTES
from tests.platform.running import add
from tests.servers import Server

JSON = {"Content-Type": "application/json"}

BAD = [
    ('{"numbers": [1], "wait_s": 1e999}', "wait_s: expected 0 to 60, got inf"),
    ('{"numbers": [1], "wait_s": -0.1}', "wait_s: expected 0 to 60, got -0.1"),
    ('{"numbers": [1], "wait_s": "x"}', "wait_s: expected a number, got 'x'"),
    ('{"numbers": [2.5]}', "numbers[0]: expected an integer, got 2.5"),
    ('{"numbers": [1, "7"]}', "numbers[1]: expected an integer, got '7'"),
    ('{"numbers": [true]}', "numbers[0]: expected an integer, got True"),
    ('{"numbers": 7}', "numbers: expected a list, got 7"),
    ('{"numbers": [1], "fault": "\\ud800"}', "fault: expected"),
    ('{"numbers": [1], "x": 1}', "x: expected no such field"),
    ('{"wait_s": 1}', "numbers: required, but missing"),
    ("[]", "body: expected an object, got []"),
    ("null", "body: expected an object, got None"),
    (json.dumps({"numbers": [1] * 1001}), "numbers: expected at most 1000 items, got 1001"),
    (json.dumps({"numbers": [1], "y" * 500: 1}), "y" * 80 + "…: expected no such field"),
]


@pytest.mark.parametrize("engine", ["oracle", "plain"])
@pytest.mark.parametrize(("body", "message"), BAD, ids=[message[:60] for _, message in BAD])
def test_bad_input_is_the_same_clear_problem_on_every_engine(
    server: Server, engine: str, body: str, message: str
) -> None:
    response = server.client.post("/v1/sums", content=body, headers=JSON | {"X-Engine": engine})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid_argument")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == 422
    assert message in problem["detail"]
    assert [error["message"] for error in problem["errors"]] == [problem["detail"]]
    assert problem["request_id"] == response.headers["X-Request-ID"]


def test_several_faults_are_listed_each_with_its_field(server: Server) -> None:
    body = {"numbers": ["a", 1, "b"], "wait_s": 61}
    problem = server.client.post("/v1/sums", json=body).json()
    fields = [error["field"] for error in problem["errors"]]
    assert fields == ["numbers[0]", "numbers[2]", "wait_s"]
    assert problem["detail"] == "; ".join(error["message"] for error in problem["errors"])


@pytest.mark.parametrize("path", ["/v1/sums", "/v1/things"])
@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "malformed_json"),
        (b"{", "application/json", 400, "malformed_json"),
        (b"\xff\xfe", "application/json", 400, "malformed_json"),
        ('{"numbers": [1]}'.encode("utf-16"), "application/json", 400, "malformed_json"),
        (b'{"numbers": [1], "wait_s": NaN}', "application/json", 400, "malformed_json"),
        (b'{"numbers": [1], "wait_s": Infinity}', "application/json", 400, "malformed_json"),
        (b"[" * 90_000, "application/json", 400, "malformed_json"),
        (b'{"numbers": [1]}', "text/plain", 415, "unsupported_media_type"),
        (b" " * (MAX_BODY_BYTES + 1), "application/json", 413, "body_too_large"),
    ],
)
def test_bodies_that_are_not_requests(
    server: Server, path: str, content: bytes, kind: str, status: int, code: str
) -> None:
    response = server.client.post(path, content=content, headers={"Content-Type": kind})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_body_as_large_as_the_limit_is_read(server: Server) -> None:
    body = b'{"numbers": [1, 2]}'
    response = server.client.post(
        "/v1/sums", content=body + b" " * (MAX_BODY_BYTES - len(body)), headers=JSON
    )
    assert (response.status_code, response.json()) == (200, {"total": 3})


def test_a_body_of_unknown_size_is_cut_off_at_the_limit(server: Server) -> None:
    chunks = (b" " * 10_000 for _ in range(3 * MAX_BODY_BYTES // 10_000))
    response = server.client.post("/v1/sums", content=chunks, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/v1/sums/1", "/v1/sums/"])
def test_unknown_paths_are_problems_too(server: Server, path: str) -> None:
    response = server.client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/sums", "POST"),
        ("DELETE", "/v1/things", "GET, HEAD, POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("HEAD", "/v1/sums", "POST"),
    ],
)
def test_a_wrong_method_names_the_right_ones(
    server: Server, method: str, path: str, allowed: str
) -> None:
    response = server.client.request(method, path)
    assert response.status_code == 405
    assert method == "HEAD" or response.json()["code"] == "method_not_allowed"
    assert response.headers["Allow"] == allowed


def test_what_is_not_there_is_named(server: Server) -> None:
    response = server.client.get("/v1/things/01a212b7-6b03-74eb-a318-6c877307c705")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "01a212b7-6b03-74eb-a318-6c877307c705" in response.json()["detail"]


def test_an_unknown_engine_is_answered_with_the_choices(server: Server) -> None:
    response = add(server, 1, engine="plian")
    assert (response.status_code, response.json()["code"]) == (422, "unknown_engine")
    assert response.json()["detail"] == "unknown engine 'plian'; choose one of: oracle, plain"


def test_a_callers_request_id_is_kept_and_a_strange_one_replaced(server: Server) -> None:
    for sent, kept in (("order-17", True), ("a b", False), ("x" * 65, False)):
        answer = server.client.get("/health/live", headers={"X-Request-ID": sent})
        assert (answer.headers["X-Request-ID"] == sent) is kept


def test_titles_of_codes_differ_and_failures_to_be_retried_say_when() -> None:
    assert len({code.title for code in CODES.values()}) == len(CODES)
    for name in ("overloaded", "engine_down", "database_unavailable", "idempotency_conflict"):
        assert CODES[name].retry_after_s == 1
