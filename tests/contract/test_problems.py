"""What is wrong with a request is said alike, on every route of both servers."""

from __future__ import annotations

import json

import httpx2
import pytest

from tests.contract.conftest import Api
from tests.contract.samples import PAYMENT_FIELDS, UNKNOWN_ID, payment, problem

MAX_BODY_BYTES = 1 << 20
JSON = {"Content-Type": "application/json"}
PAYMENT = payment()
# Routes that take a body, and one that they accept.
BODIES = {
    "/v1/payments": PAYMENT,
    "/v1/matches": {"names": ["Jon Smyth"]},
    "/v1/validations": {"payments": [PAYMENT]},
    "/v1/seals": {"records": ["YQ=="]},
    "/v1/screenings": {"payments": [PAYMENT]},
}
METHODS = {path: {"POST"} for path in BODIES} | {
    "/v1/payments": {"GET", "POST"},
    f"/v1/payments/{UNKNOWN_ID}": {"GET"},
    "/v1/screenings": {"GET", "POST"},
    f"/v1/screenings/{UNKNOWN_ID}": {"GET"},
    f"/v1/screenings/{UNKNOWN_ID}/proofs/0": {"GET"},
    "/v1/rates": {"GET"},
    "/health/live": {"GET"},
    "/health/ready": {"GET"},
    "/bench/json": {"GET"},
}


@pytest.fixture(params=BODIES)
def path(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_bodies_of_these_tests_are_accepted(stateless: Api, path: str) -> None:
    assert stateless.post(path, json=BODIES[path]).status_code in (200, 201)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + b" x",
        lambda text: text * 2,
        lambda _: b"",
        lambda _: b" ",
        lambda text: text.replace(b'"', b"'"),
        lambda text: text.replace(b"}", b",}"),
        lambda text: text.replace(b'":', b"\xff" + b'":', 1),
        lambda _: b'"' + b"a\nb" + b'"',
        lambda text: text.decode().encode("utf-16"),
        lambda _: b"[" * 100_000,
        lambda _: b"\x80",
        lambda text: b"\0" + text,
    ],
    ids=[
        *("cut", "trailing text", "twice", "nothing", "blank", "single quotes", "trailing comma"),
        *("not UTF-8", "raw line feed", "UTF-16", "deep", "lone byte", "leading NUL"),
    ],
)
def test_text_that_is_not_json(stateless: Api, path: str, spoil) -> None:
    content = spoil(json.dumps(BODIES[path]).encode())
    problem(stateless.post(path, content=content, headers=JSON), "malformed_json")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_another_media_type(stateless: Api, path: str, kind: str) -> None:
    content = json.dumps(BODIES[path]).encode()
    answer = stateless.post(path, content=content, headers={"Content-Type": kind})
    problem(answer, "unsupported_media_type")


def test_no_media_type(stateless: Api, path: str) -> None:
    problem(
        stateless.post(path, content=json.dumps(BODIES[path]).encode()), "unsupported_media_type"
    )


def test_a_parameter_of_the_media_type_changes_nothing(stateless: Api, path: str) -> None:
    content = json.dumps(BODIES[path]).encode()
    kind = {"Content-Type": "application/JSON; charset=utf-8"}
    assert stateless.post(path, content=content, headers=kind).status_code in (200, 201)


@pytest.mark.parametrize("way", ["announced", "in pieces"])
def test_too_large_a_body(stateless: Api, path: str, way: str) -> None:
    size = MAX_BODY_BYTES + 1
    pieces = (b" " * 65_537 for _ in range(size // 65_537 + 1))
    content = b" " * size if way == "announced" else pieces
    problem(stateless.post(path, content=content, headers=JSON), "body_too_large")


def test_the_largest_body_is_taken(stateless: Api, path: str) -> None:
    content = json.dumps(BODIES[path]).encode().ljust(MAX_BODY_BYTES)
    assert stateless.post(path, content=content, headers=JSON).status_code in (200, 201)


@pytest.mark.parametrize("body", [[], "x", 7, None, True])
def test_a_body_that_is_no_object(stateless: Api, path: str, body) -> None:
    answer = stateless.post(path, content=json.dumps(body), headers=JSON)
    problem(answer, "invalid_argument", "body")


def test_an_unknown_field(stateless: Api, path: str) -> None:
    problem(stateless.post(path, json=BODIES[path] | {"x": 1}), "invalid_argument", "x")


def test_missing_fields(stateless: Api, path: str) -> None:
    answer = stateless.post(path, json={})
    fields = PAYMENT_FIELDS if path == "/v1/payments" else tuple(BODIES[path])
    problem(answer, "invalid_argument", *fields)


def test_names_of_fields_are_told_apart_by_case(stateless: Api, path: str) -> None:
    first, *_ = BODIES[path]
    body = dict(BODIES[path])
    body[first.upper()] = body.pop(first)
    answer = stateless.post(path, json=body)
    problem(answer, "invalid_argument", *sorted_as_sent(answer, first, first.upper()))


def sorted_as_sent(answer: httpx2.Response, *fields: str) -> list[str]:
    """The fields in the order of the answer, where the contract leaves that open."""
    found = [error["field"] for error in answer.json()["errors"]]
    assert sorted(found) == sorted(fields)
    return found


WRONG = [
    ("/v1/payments", PAYMENT | {"amount": 12.5}, "amount"),
    ("/v1/payments", PAYMENT | {"amount": None}, "amount"),
    ("/v1/payments", PAYMENT | {"currency": ["EUR"]}, "currency"),
    ("/v1/payments", PAYMENT | {"debtor_name": "a" * 513}, "debtor_name"),
    ("/v1/payments", PAYMENT | {"debtor_name": "\ud800"}, "debtor_name"),
    ("/v1/payments", PAYMENT | {"creditor_bic": "B" * 129}, "creditor_bic"),
    ("/v1/matches", {"names": []}, "names"),
    ("/v1/matches", {"names": ["a"] * 1001}, "names"),
    ("/v1/matches", {"names": "a"}, "names"),
    ("/v1/matches", {"names": None}, "names"),
    ("/v1/matches", {"names": ["a", 7]}, "names[1]"),
    ("/v1/matches", {"names": ["a", None]}, "names[1]"),
    ("/v1/matches", {"names": ["a" * 513]}, "names[0]"),
    ("/v1/matches", {"names": ["a", "\udc00a"]}, "names[1]"),
    ("/v1/matches", {"names": ["a"], "cutoff": 1.01}, "cutoff"),
    ("/v1/matches", {"names": ["a"], "cutoff": -0.01}, "cutoff"),
    ("/v1/matches", {"names": ["a"], "cutoff": "0.9"}, "cutoff"),
    ("/v1/matches", {"names": ["a"], "cutoff": True}, "cutoff"),
    ("/v1/matches", {"names": ["a"], "cutoff": None}, "cutoff"),
    ("/v1/matches", {"names": ["a"], "limit": 0}, "limit"),
    ("/v1/matches", {"names": ["a"], "limit": 1001}, "limit"),
    ("/v1/matches", {"names": ["a"], "limit": 2.5}, "limit"),
    ("/v1/matches", {"names": ["a"], "limit": True}, "limit"),
    ("/v1/matches", {"names": ["a"], "limit": 10**30}, "limit"),
    ("/v1/validations", {"payments": []}, "payments"),
    ("/v1/validations", {"payments": [PAYMENT] * 1001}, "payments"),
    ("/v1/validations", {"payments": {}}, "payments"),
    ("/v1/validations", {"payments": [PAYMENT, "x"]}, "payments[1]"),
    ("/v1/validations", {"payments": [PAYMENT | {"amount": 1}]}, "payments[0].amount"),
    ("/v1/validations", {"payments": [PAYMENT | {"x": 1}]}, "payments[0].x"),
    ("/v1/validations", {"payments": [PAYMENT, PAYMENT | {"currency": "E" * 129}]},
     "payments[1].currency"),
    ("/v1/validations", {"payments": [PAYMENT | {"creditor_name": "\udbff"}]},
     "payments[0].creditor_name"),
    ("/v1/seals", {"records": ["a"]}, "records[0]"),
    ("/v1/seals", {"records": ["YQ==", "YQ==\n"]}, "records[1]"),
    ("/v1/seals", {"records": ["YQ"]}, "records[0]"),
    ("/v1/seals", {"records": ["-_8="]}, "records[0]"),
    ("/v1/seals", {"records": [7]}, "records[0]"),
    ("/v1/seals", {"records": None}, "records"),
    ("/v1/seals", {"records": [""] * 10_001}, "records"),
    ("/v1/seals", {"records": ["YQ=="], "prove": [1]}, "prove[0]"),
    ("/v1/seals", {"records": ["YQ=="], "prove": [0, -1]}, "prove[1]"),
    ("/v1/seals", {"records": [], "prove": [0]}, "prove[0]"),
    ("/v1/seals", {"records": ["YQ=="], "prove": [0.5]}, "prove[0]"),
    ("/v1/seals", {"records": ["YQ=="], "prove": [10**30]}, "prove[0]"),
    ("/v1/seals", {"records": ["YQ=="], "prove": [0] * 1001}, "prove"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "field"),
    WRONG,
    ids=[f"{path[4:]}-{field}-{number}" for number, (path, _, field) in enumerate(WRONG)],
)
def test_a_wrong_value_is_named_by_its_field(stateless: Api, path, body, field) -> None:
    answer = stateless.post(path, content=json.dumps(body), headers=JSON)
    problem(answer, "invalid_argument", field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "+1", "01", ".5", "0x1"])
def test_numbers_that_json_lacks(stateless: Api, number: str) -> None:
    content = f'{{"names": ["a"], "cutoff": {number}}}'
    problem(stateless.post("/v1/matches", content=content, headers=JSON), "malformed_json")


def test_a_number_past_every_float_is_out_of_range(stateless: Api) -> None:
    content = '{"names": ["a"], "cutoff": 1e999}'
    answer = stateless.post("/v1/matches", content=content, headers=JSON)
    problem(answer, "invalid_argument", "cutoff")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        *("/", "/v1", "/v1/", "/v1/nothing", "/V1/payments", "/v1/matches/1", "/v1/payments/"),
        *(f"/v1/payments/{UNKNOWN_ID}/x", "//v1/payments", "/v1//payments", "/health"),
    ],
)
def test_an_unknown_path(stateless: Api, method: str, path: str) -> None:
    url = str(stateless.server.client.base_url).rstrip("/") + path
    problem(stateless.server.client.request(method, url), "not_found")


@pytest.mark.parametrize("path", METHODS)
def test_a_wrong_method_is_told_the_right_ones(stateless: Api, path: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - METHODS[path]:
        answer = stateless.server.client.request(method, path)
        problem(answer, "method_not_allowed")
        allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
        assert allowed - {"HEAD", "OPTIONS"} == METHODS[path]


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("order-17", True),
        ("A.b_C-9", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a/b", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/health/live", "/v1/payments?limit=1", "/nothing"])
def test_the_callers_request_id_comes_back(stateless: Api, path, sent, is_kept) -> None:
    answer = stateless.get(path, headers={"X-Request-ID": sent})
    got = answer.headers.get_list("X-Request-ID")
    assert len(got) == 1
    assert (got[0] == sent) is is_kept
    assert 1 <= len(got[0]) <= 64
    if answer.status_code == 404:
        assert answer.json()["request_id"] == got[0]


def test_each_request_without_an_id_gets_its_own(stateless: Api) -> None:
    answers = [stateless.get("/health/live") for _ in range(20)]
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == 20


def test_the_probes_answer(api: Api) -> None:
    assert api.get("/health/live").status_code == 200
    assert api.get("/health/ready").status_code == 200
