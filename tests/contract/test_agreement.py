"""What can be read in two ways is read in one, by both servers: docs/http.md states the rules.

Requests go out byte for byte. The expected answers are the rules'; chance looks for what no list
has, where one server is held to the other.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.contract.conftest import SERVERS, Api, Fleet
from tests.contract.samples import UNKNOWN_ID
from tests.raw_http import ask

OK = (200,)
BAD = (400, "bad_request", [])
NOT_FOUND = (404, "not_found", [])


def wrong(*fields: str) -> tuple[object, ...]:
    return 422, "invalid_argument", list(fields)


QUERIES = [
    ("limit=5", OK),
    ("limit=100&", OK),
    ("&&limit=5", OK),
    ("limit=%35", OK),
    ("li%6Dit=5", OK),
    ("limit=", wrong("limit")),
    ("limit", wrong("limit")),
    ("limit=1_0", wrong("limit")),
    ("limit=5.0", wrong("limit")),
    ("limit=5e0", wrong("limit")),
    ("limit=0x5", wrong("limit")),
    ("limit=%205", wrong("limit")),
    ("limit=5%20", wrong("limit")),
    ("limit=5+", wrong("limit")),
    ("limit=+5", wrong("limit")),
    ("limit=%2B5", wrong("limit")),
    ("limit=-5", wrong("limit")),
    ("limit=-0", wrong("limit")),
    ("limit=05", wrong("limit")),
    ("limit=5%0A", wrong("limit")),
    ("limit=%005", wrong("limit")),
    ("limit=%D9%A5", wrong("limit")),  # an Arabic-Indic digit
    ("limit=%EF%BC%95", wrong("limit")),  # a full-width digit
    ("limit=" + "9" * 30, wrong("limit")),
    ("limit=" + "9" * 5000, wrong("limit")),
    ("limit=-" + "9" * 5000, wrong("limit")),
    ("limit=true", wrong("limit")),
    ("limit=5;after=x", wrong("limit")),
    ("limit=5%26after=x", wrong("limit")),
    ("x=1;limit=0", OK),
    ("x=1&y", OK),
    ("LIMIT=0", OK),
    ("limit[]=0", OK),
    ("=5", OK),
    ("limit%3D0", OK),
    ("after=" + UNKNOWN_ID, OK),
    ("after=" + UNKNOWN_ID.upper(), OK),
    ("after=", wrong("after")),
    ("after=x", wrong("after")),
    ("after=" + UNKNOWN_ID.replace("-", ""), wrong("after")),
    (f"after={{{UNKNOWN_ID}}}", wrong("after")),
    ("after=urn:uuid:" + UNKNOWN_ID, wrong("after")),
    (f"after=%20{UNKNOWN_ID}", wrong("after")),
    (f"after={UNKNOWN_ID}%0A", wrong("after")),
    ("limit=0&after=x", wrong("limit", "after")),
    ("limit=5&limit=5", BAD),
    ("limit=5&limit=6", BAD),
    ("limit=5&li%6Dit=6", BAD),
    ("limit=5&x=1&limit", BAD),
    ("after=x&after=y", BAD),
    ("x=1&x=2", BAD),
    ("limit=%zz", BAD),
    ("limit=5%", BAD),
    ("limit=5%4", BAD),
    ("x=%zz", BAD),
    ("%zz", BAD),
    ("x=%ff", BAD),
    ("x=%C0%AF", BAD),
    ("x=%ED%A0%80", BAD),  # a surrogate
    ("%ff=x", BAD),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=[q[:40] for q, _ in QUERIES])
@pytest.mark.parametrize("path", ["/v1/payments", "/v1/screenings"])
def test_a_query_is_read_strictly(stateless: Api, path: str, query: str, expected) -> None:
    assert ask(stateless.server.port, f"{path}?{query}").outline == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("base=EUR", OK),
        ("base=%45UR", OK),
        ("base=EUR;x=1", wrong("base")),
        ("base=EUR%0A", wrong("base")),
        ("base=", wrong("base")),
        ("base=+EUR", wrong("base")),
        ("base=EUR&base=USD", BAD),
        ("base=%EUR", BAD),
    ],
)
def test_so_is_any_parameter(stateless: Api, upstreams, query: str, expected) -> None:
    good = b'{"base":"EUR","rates":{}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    upstreams.answers = dict.fromkeys(("ecb", "fed", "boj"), head % len(good) + good)
    assert ask(stateless.server.port, f"/v1/rates?{query}").outline == expected


PATHS = [
    (f"/v1/payments/{UNKNOWN_ID}", NOT_FOUND),
    (f"/v1/payments/{UNKNOWN_ID}?", NOT_FOUND),
    ("/v1/%70ayments?limit=1", OK),
    ("/v1/payments/a%2Fb", NOT_FOUND),
    ("/v1/payments/a%2fb", NOT_FOUND),
    ("/v1%2Fpayments", NOT_FOUND),
    ("/v1/payments%2F", NOT_FOUND),
    ("/v1/payments/", NOT_FOUND),
    ("/v1/payments/.", NOT_FOUND),
    ("/v1/payments/..", NOT_FOUND),
    ("/v1/payments/%2e%2E", NOT_FOUND),
    ("/v1/./payments", NOT_FOUND),
    ("/v1/x/../payments", NOT_FOUND),
    ("/v1//payments", NOT_FOUND),
    ("//v1/payments", NOT_FOUND),
    ("/health/live%0A", NOT_FOUND),
    ("/health/live%00", NOT_FOUND),
    ("/health/live%20", NOT_FOUND),
    ("/health/live;x=1", NOT_FOUND),
    ("/health/live%3Fx", NOT_FOUND),
    ("/health/live?x#y", OK),
    ("/health/live#y", OK),
    ("/v1/payments/%00", wrong("id")),
    ("/v1/payments/%0A", wrong("id")),
    (f"/v1/payments/{UNKNOWN_ID}%0A", wrong("id")),
    (f"/v1/payments/{{{UNKNOWN_ID}}}", wrong("id")),
    (f"/v1/payments/urn:uuid:{UNKNOWN_ID}", wrong("id")),
    ("/v1/payments/" + UNKNOWN_ID.replace("-", ""), wrong("id")),
    ("/v1/payments/%C3%A9", wrong("id")),
    ("/v1/payments/a+b", wrong("id")),
    ("/v1/payments/a%20b", wrong("id")),
    ("/v1/payments/a;b", wrong("id")),
    ('/v1/payments/"a"', wrong("id")),
    ("/v1/payments/a|b", wrong("id")),
    ("/v1/payments/a\\b", wrong("id")),
    ("/v1/payments/%ff", BAD),
    ("/v1/payments/%C0%AF", BAD),
    ("/v1/%ff", BAD),
    ("/v1/./payments/%ff", BAD),
    ("/v1/./payments?x=%ff", BAD),
    ("/v1/nothing?x=%ff", BAD),
    *(
        (f"/v1/screenings/{UNKNOWN_ID}/proofs/{place}", expected)
        for place, expected in [
            ("0", NOT_FOUND),
            ("-1", NOT_FOUND),
            ("9" * 30, NOT_FOUND),
            ("9" * 5000, NOT_FOUND),
            ("1_0", wrong("place")),
            ("5.0", wrong("place")),
            ("%205", wrong("place")),
            ("+5", wrong("place")),
            ("%2B5", wrong("place")),
            ("05", wrong("place")),
            ("0%0A", wrong("place")),
            ("%D9%A5", wrong("place")),
            ("0%2F", NOT_FOUND),
            ("%ff", BAD),
        ]
    ),
    ("/v1/screenings/x/proofs/y", wrong("id", "place")),
]


@pytest.mark.parametrize(("path", "expected"), PATHS, ids=[path[:60] for path, _ in PATHS])
def test_a_path_is_read_strictly(stateless: Api, path: str, expected) -> None:
    assert ask(stateless.server.port, path).outline == expected


@pytest.mark.parametrize(
    "target",
    [
        *("/v1/payments/%zz", "/v1/payments/%", "/%4", "/v1/a b", "/v1/payments?a b"),
        *("/v1/payments/\xff", "/v1/payments/\xc3\xa9", "/v1/payments?\xff", "/.?x=\xc3\xa9"),
    ],
)
def test_what_cannot_be_a_target_is_refused_by_whoever_reads_it(stateless: Api, target) -> None:
    assert ask(stateless.server.port, target).status == 400


# HEAD


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v1/payments?limit=1",
            f"/v1/payments/{UNKNOWN_ID}",
            "/v1/payments/x",
            "/v1/rates?base=",
        ),
        *("/v1/screenings", "/health/live", "/health/ready", "/bench/json", "/bench/plaintext"),
        *("/bench/fortunes", "/v1/nothing", "/v1/matches", "/v1/payments?limit=x&limit=y"),
    ],
)
def test_head_is_get_without_the_body(stateless: Api, path: str) -> None:
    got = ask(stateless.server.port, path)
    head = ask(stateless.server.port, path, method="HEAD")
    assert (head.status, head.body) == (got.status, b"")
    differing = {"x-request-id", "server-timing", "date", "content-length"}
    names = [name.lower() for name in got.headers]
    assert sorted(map(str.lower, head.headers)) == sorted(names)
    for name in set(names) - differing:
        assert head.headers[name] == got.headers[name]
    if got.status != 405:  # which names the method
        assert head.headers["Content-Length"] == got.headers["Content-Length"]


# Chance

PARTS = (
    *("%", "%2", "%2F", "%2f", "%zz", "%00", "%0A", "%0D", "%20", "+", ";", "&", "=", "?", "/"),
    *(".", "..", "%2e", "%ff", "%C3%A9", "%ED%A0%80", "5", "05", "-1", UNKNOWN_ID, "limit"),
)
TEXT = st.text(st.characters(max_codepoint=0xFF), max_size=12) | st.sampled_from(PARTS)
TARGETS = st.tuples(
    st.sampled_from(
        [
            "/",
            "/v1/payments",
            "/v1/payments/",
            f"/v1/screenings/{UNKNOWN_ID}/proofs/",
            "/health/live",
        ]
    ),
    st.lists(TEXT, max_size=3).map("".join),
    st.sampled_from(["", "?", "?limit=", "?after=", "?x&limit="]),
    st.lists(TEXT, max_size=4).map("".join),
).map("".join)


def is_target(text: str) -> bool:
    """Whether it can be one: blanks, controls and fragments are the parsers' matter."""
    return all(char >= "!" and char not in "#\x7f" for char in text)


# engine: go
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(target=TARGETS.filter(is_target), method=st.sampled_from(["GET", "HEAD", "DELETE"]))
@example(target="/v1/payments?limit=5;after=x", method="GET")
def test_both_servers_read_any_target_alike(fleet: Fleet, target: str, method: str) -> None:
    found = [
        ask(fleet[f"{server}-sqlite"].server.port, target, method=method) for server in SERVERS
    ]
    outlines = [answer.outline for answer in found]
    if (400,) in outlines:  # refused by a parser, which says less
        outlines = [outline[:1] for outline in outlines]
    assert outlines[0] == outlines[1]


# engine: end
