"""GET /v1/rates: what came in time, and why the rest is missing."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.conftest import UPSTREAM_TIMEOUT_S, Api
from tests.contract.samples import problem
from tests.contract.upstreams import ScriptedUpstreams, answer

SOURCES = ("ecb", "fed", "boj")  # as in the setting
GOOD = answer({"base": "EUR", "rates": {"USD": "1.0832", "JPY": "161"}})
LATE = [60.0]
BROKEN = [b""]  # closed without a word
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /fed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MAX_BYTES = 1 << 16


@pytest.fixture(autouse=True)
def _all_good(upstreams: ScriptedUpstreams) -> None:
    upstreams.answers = dict.fromkeys(SOURCES, GOOD)
    upstreams.requests = {}


def reason_for(api: Api, upstreams: ScriptedUpstreams, script) -> str | None:
    """What is said of one upstream that sends this, while the others do well."""
    upstreams.answers["fed"] = script
    got = api.get("/v1/rates").json()
    if got["complete"]:
        assert got["missing"] == []
        assert "fed" in got["rates"]
        return None
    ((source, reason),) = [tuple(missing.values()) for missing in got["missing"]]
    assert source == "fed"
    assert got["rates"].keys() == {"ecb", "boj"}
    return reason


def test_every_source_answers(stateless: Api) -> None:
    got = stateless.get("/v1/rates")
    assert (got.status_code, got.headers["Content-Type"]) == (200, "application/json")
    rates = {"USD": "1.0832", "JPY": "161"}
    assert got.json() == {
        "base": "EUR",
        "complete": True,
        "rates": dict.fromkeys(SOURCES, rates),
        "missing": [],
    }


def test_an_upstream_is_asked_in_plain_words(stateless: Api, upstreams) -> None:
    headers = {"Cookie": "a=b", "Authorization": "Basic eDp5", "X-Request-ID": "r-1"}
    assert stateless.get("/v1/rates", headers=headers).status_code == 200
    assert sorted(upstreams.requests) == sorted(SOURCES)
    for source, (head,) in upstreams.requests.items():
        request, *lines = head.split("\n")
        assert request == f"GET /{source}?base=EUR HTTP/1.1"
        headers = dict(line.split(": ", 1) for line in lines)
        sent = {name.lower(): text for name, text in headers.items()}
        assert sent["accept-encoding"] == "identity"
        assert not {"cookie", "authorization"} & sent.keys()


def test_another_base_is_passed_on(stateless: Api, upstreams) -> None:
    upstreams.answers = dict.fromkeys(SOURCES, answer({"base": "CHF", "rates": {"EUR": "1.06"}}))
    got = stateless.get("/v1/rates", params={"base": "CHF"}).json()
    assert (got["base"], got["complete"], got["rates"]["ecb"]) == ("CHF", True, {"EUR": "1.06"})
    assert {head.split()[1].partition("?")[2] for (head,) in upstreams.requests.values()} == {
        "base=CHF"
    }


@pytest.mark.parametrize("base", ["eur", "EU", "EURO", "", "EU1", "EUR\n", "ÄÖÜ", "EUR "])
def test_a_base_that_is_none_is_refused(stateless: Api, upstreams, base: str) -> None:
    problem(stateless.get("/v1/rates", params={"base": base}), "invalid_argument", "base")
    assert upstreams.requests == {}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (LATE, "timeout"),
        ([GOOD[:-1], 60.0], "timeout"),
        ([GOOD[:20], 60.0], "timeout"),
        ([piece for byte in GOOD for piece in (bytes([byte]), 0.02)], "timeout"),
        (BROKEN, "unreachable"),
        (GOOD[:-1], "unreachable"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "unreachable"),
        (GOOD.replace(b"200 OK", b"500 No"), "status"),
        (GOOD.replace(b"200 OK", b"201 Created"), "status"),
        (GOOD.replace(b"200 OK", b"206 Part"), "status"),
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "status"),
        (REDIRECT, "status"),
        (answer(json.dumps({"base": "EUR", "rates": {}}).ljust(MAX_BYTES + 1)), "too_large"),
        (answer(b"x" * (10 * MAX_BYTES)), "too_large"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
            + b" " * (MAX_BYTES + 1),
            "too_large",
        ),
        (answer({"base": "EUR", "rates": {}}, kind="text/html"), "invalid"),
        (answer({"base": "EUR", "rates": {}}, kind="application/jsonp"), "invalid"),
        (answer({"base": "EUR", "rates": {}}, "Content-Encoding: gzip"), "invalid"),
        (GOOD.replace(b"Content-Type: application/json\r\n", b""), "invalid"),
    ],
    ids=[
        *("silent", "last byte late", "head late", "trickling", "closed", "cut short", "no http"),
        *("500", "201", "206", "204", "redirect", "one byte too many", "huge", "unannounced huge"),
        *("html", "jsonp", "encoded", "no type"),
    ],
)
def test_why_a_source_is_missing(stateless: Api, upstreams, script, reason) -> None:
    assert reason_for(stateless, upstreams, script) == reason
    assert len(upstreams.requests["fed"]) == 1  # a redirect is not followed


RATES = [
    ('{"base": "EUR", "rates": {}}', None),
    ('{"base": "EUR", "rates": {"USD": "1"}, "date": null, "x": [1, {}]}', None),
    ('{"rates": {"USD": "123456789012.123456789012"}, "base": "EUR"}', None),
    ('{"base": "EUR", "rates": {"USD": "0"}}', None),
    ('{"base": "USD", "rates": {"USD": "1"}}', "invalid"),
    ('{"base": "eur", "rates": {"USD": "1"}}', "invalid"),
    ('{"Base": "EUR", "Rates": {"USD": "1"}}', "invalid"),
    ('{"rates": {"USD": "1"}}', "invalid"),
    ('{"base": "EUR"}', "invalid"),
    ('{"base": "EUR", "rates": null}', "invalid"),
    ('{"base": "EUR", "rates": []}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": 1.08}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": null}}', "invalid"),
    ('{"base": "EUR", "rates": {"usd": "1"}}', "invalid"),
    ('{"base": "EUR", "rates": {"US": "1"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD\\n": "1"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": ""}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "-1"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "+1"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1."}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": ".5"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1e3"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "NaN"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": NaN}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1\\n"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "٣"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1234567890123"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1.1234567890123"}}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1"}} {}', "invalid"),
    ('{"base": "EUR", "rates": {"USD": "1"}', "invalid"),
    ("[" * 60_000, "invalid"),
    ("", "invalid"),
    ("null", "invalid"),
    ("[]", "invalid"),
]


@pytest.mark.parametrize(("body", "reason"), RATES, ids=[body[:60] for body, _ in RATES])
def test_the_shape_of_an_upstreams_answer(stateless: Api, upstreams, body, reason) -> None:
    assert reason_for(stateless, upstreams, answer(body)) == reason
    if reason is None:
        got = stateless.get("/v1/rates").json()
        assert got["rates"]["fed"] == json.loads(body)["rates"]


def test_a_body_that_is_not_utf8_is_invalid(stateless: Api, upstreams) -> None:
    spoilt = answer(b'{"base": "EUR", "rates": {}, "by": "\xff"}')
    assert reason_for(stateless, upstreams, spoilt) == "invalid"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_media_type_is_read_as_such(stateless: Api, upstreams, kind) -> None:
    good = answer({"base": "EUR", "rates": {"USD": "1"}}, kind=kind)
    assert reason_for(stateless, upstreams, good) is None


def test_the_largest_answer_is_taken(stateless: Api, upstreams) -> None:
    body = json.dumps({"base": "EUR", "rates": {"USD": "1"}}).ljust(MAX_BYTES)
    assert reason_for(stateless, upstreams, answer(body)) is None


def test_the_missing_are_in_the_order_of_the_setting(stateless: Api, upstreams) -> None:
    upstreams.answers |= {"ecb": LATE, "fed": GOOD, "boj": BROKEN}
    got = stateless.get("/v1/rates")
    assert got.status_code == 200
    assert got.json() == {
        "base": "EUR",
        "complete": False,
        "rates": {"fed": {"USD": "1.0832", "JPY": "161"}},
        "missing": [
            {"source": "ecb", "reason": "timeout"},
            {"source": "boj", "reason": "unreachable"},
        ],
    }


def test_all_too_late_is_a_timeout_and_the_deadline_is_one_for_all(
    stateless: Api, upstreams
) -> None:
    upstreams.answers = {"ecb": LATE, "fed": [GOOD[:-1], 60.0], "boj": LATE}
    started = time.monotonic()
    got = stateless.get("/v1/rates")
    took_s = time.monotonic() - started
    problem(got, "upstream_timeout", *SOURCES, messages=("timeout",) * 3)
    assert UPSTREAM_TIMEOUT_S <= took_s < 3 * UPSTREAM_TIMEOUT_S  # as much as one after the other


@pytest.mark.parametrize(
    ("scripts", "reasons"),
    [
        ((BROKEN, REDIRECT, answer("{}")), ("unreachable", "status", "invalid")),
        ((LATE, BROKEN, LATE), ("timeout", "unreachable", "timeout")),
    ],
)
def test_all_missing_for_different_reasons(stateless: Api, upstreams, scripts, reasons) -> None:
    upstreams.answers = dict(zip(SOURCES, scripts))
    problem(stateless.get("/v1/rates"), "upstream_failed", *SOURCES, messages=reasons)


def test_one_slow_source_holds_up_no_other_request(stateless: Api, upstreams) -> None:
    upstreams.answers["boj"] = LATE
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: stateless.get("/v1/rates"), range(20)))
    assert time.monotonic() - started < 10 * UPSTREAM_TIMEOUT_S  # in turn it would be 40 s
    assert all(found.json()["rates"].keys() == {"ecb", "fed"} for found in answers)


def test_an_upstream_recovers_at_once(stateless: Api, upstreams) -> None:
    assert reason_for(stateless, upstreams, BROKEN) == "unreachable"
    assert reason_for(stateless, upstreams, GOOD) is None
