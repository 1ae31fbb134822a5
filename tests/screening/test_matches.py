"""POST /v1/matches over a real socket, on every engine."""

from __future__ import annotations

import json
import re

import pytest

from service.offload.spec import find
from service.screening.engines import ENGINES
from service.screening.watchlist import Watchlist
from tests.screening.fixtures import ENGINE_NAMES, misspelt
from tests.screening.matching import match
from tests.servers import Server


@pytest.fixture(params=ENGINE_NAMES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_name_of_the_list_is_found_and_the_engine_named(
    server: Server, synthetic: Watchlist, engine: str
) -> None:
    entry = synthetic.entries[4321]
    response = match(server, entry.name, engine=engine)
    assert response.status_code == 200
    assert response.headers["X-Engine"] == engine
    (result,) = response.json()["results"]
    assert result["normalized"] == entry.normalized
    assert {
        "row": 4321,
        "uid": entry.uid,
        "name": entry.name,
        "normalized": entry.normalized,
        "score": 1.0,
    } in result["hits"]


def test_engines_answer_with_the_same_bytes(server: Server, synthetic: Watchlist) -> None:
    names = misspelt([entry.name for entry in synthetic.entries], 3, seed=3)
    bodies = {match(server, *names, engine=e, cutoff=0.8, limit=20).content for e in ENGINE_NAMES}
    assert len(bodies) == 1


def test_the_times_are_broken_down(server: Server, engine: str) -> None:
    timing = match(server, "anyone", engine=engine).headers["Server-Timing"]
    spans = dict(re.findall(r"(\w+);dur=([\d.]+)", timing))
    assert {"parse", "queue", "kernel", "rpc", "total"} <= spans.keys()
    assert float(spans["kernel"]) > 0
    assert (float(spans["rpc"]) > 0) == bool(find(ENGINES, engine).sidecar)
    assert sum(map(float, spans.values())) - float(spans["total"]) <= float(spans["total"])


BAD = [
    ('{"names": []}', "names: expected at least 1 items, got 0"),
    ('{"names": ["a"], "cutoff": 1e999}', "cutoff: expected 0 to 1, got inf"),
    ('{"names": ["a"], "cutoff": -0.1}', "cutoff: expected 0 to 1, got -0.1"),
    ('{"names": ["a"], "cutoff": 1.5}', "cutoff: expected 0 to 1, got 1.5"),
    ('{"names": ["a"], "cutoff": "x"}', "cutoff: expected a number, got 'x'"),
    ('{"names": ["a"], "limit": 0}', "limit: expected 1 to 1000, got 0"),
    ('{"names": ["a"], "limit": 1001}', "limit: expected 1 to 1000, got 1001"),
    ('{"names": ["a"], "limit": 2.5}', "limit: expected an integer, got 2.5"),
    ('{"names": ["\\ud800"]}', "names[0]: expected Unicode text, got a lone surrogate"),
    ('{"names": ["a", 7]}', "names[1]: expected a string, got 7"),
    ('{"names": ["a"], "x": 1}', "x: expected no such field"),
    ('{"cutoff": 0.9}', "names: required, but missing"),
    ("[]", "body: expected an object, got []"),
    (json.dumps({"names": ["a" * 10_000]}), "expected at most 512 characters, got 10000"),
    (json.dumps({"names": ["a"] * 1001}), "names: expected at most 1000 items, got 1001"),
    (json.dumps({"names": ["a"], "limit": int("9" * 4000)}), "limit: expected"),
]


@pytest.mark.parametrize(("body", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_the_same_clear_problem_on_every_engine(
    server: Server, engine: str, body: str, message: str
) -> None:
    response = server.client.post(
        "/v1/matches",
        content=body,
        headers={"Content-Type": "application/json", "X-Engine": engine},
    )
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "invalid_argument"
    assert problem["status"] == 422
    assert message in problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"\xff\xfe", "application/json", 400, "malformed_json"),
        (b'{"names": ["a"], "cutoff": NaN}', "application/json", 400, "malformed_json"),
        (b"[" * 100_000, "application/json", 400, "malformed_json"),
        (b'{"names": ["a"]}', "text/plain", 415, "unsupported_media_type"),
        (b" " * 2_000_000, "application/json", 413, "body_too_large"),
    ],
)
def test_bodies_that_are_not_requests(server: Server, content, kind, status, code) -> None:
    response = server.client.post("/v1/matches", content=content, headers={"Content-Type": kind})
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_body_of_unknown_size_is_cut_off_at_the_limit(server: Server) -> None:
    chunks = (b" " * 100_000 for _ in range(30))
    response = server.client.post(
        "/v1/matches", content=chunks, headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_an_unknown_engine_is_answered_with_the_choices(server: Server) -> None:
    response = match(server, "a", engine="rsut")
    assert response.status_code == 422
    problem = response.json()
    assert problem["code"] == "unknown_engine"
    choices = ", ".join(sorted(ENGINE_NAMES))
    assert problem["detail"] == f"unknown engine 'rsut'; choose one of: {choices}"


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/v1/matches/1"])
def test_unknown_paths_are_problems_too(server: Server, path: str) -> None:
    response = server.client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_wrong_method_names_the_right_one(server: Server) -> None:
    response = server.client.get("/v1/matches")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


def test_a_callers_request_id_is_kept_and_a_strange_one_replaced(server: Server) -> None:
    for sent, kept in (("order-17", True), ("a b", False), ("x" * 65, False)):
        answer = server.client.get("/health/live", headers={"X-Request-ID": sent})
        assert (answer.headers["X-Request-ID"] == sent) is kept


def test_the_engines_are_listed(server: Server) -> None:
    listed = server.client.get("/v1/engines").json()
    assert listed["configured"] == "python-inline"
    assert [engine["name"] for engine in listed["engines"]] == ENGINE_NAMES
    assert all(engine["available"] and engine["version"] for engine in listed["engines"])
