from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from tests.compiled.apps import parameters
from tests.compiled.twins import Twins, get, post

Make = Callable[[Callable[[], FastAPI]], Twins]

ID = "5b0b4d9e-3f6d-4c0e-9d5b-2f1f1d1f1d1f"
ITEM = {"name": "a", "price": 1}


@pytest.mark.parametrize(
    ("path", "is_plain"),
    [
        ("/paths/a/1", True),
        ("/paths/é ü%/1", True),
        ("/paths/\udcff/1", True),
        ("/paths/a/01", True),
        ("/paths/a/1_0", True),
        ("/paths/a/1.0", True),
        ("/paths/a/-1", False),
        ("/paths/a/x", False),
        ("/paths/a/", False),
        ("/paths//1", False),
        ("/paths/a/1/", False),
        ("/paths/a/1\n", False),
        ("/paths/a\n/1", True),
        (f"/converted/1/2.5/{ID}/a/b/c", True),
        (f"/converted/1/2/{ID}/", True),
        (f"/converted/{'1' * 5000}/2/{ID}/", False),
        (f"/converted/-1/2/{ID}/a", False),
        (f"/converted/1/2/{ID[:-1]}/a", False),
        ("/Paths/a/1", False),
        ("/nowhere", False),
        ("", False),
    ],
)
def test_paths(twins: Make, path: str, is_plain: bool) -> None:
    twins(parameters).same(get(path), compiled=is_plain)


@pytest.mark.parametrize(
    ("query", "is_plain"),
    [
        (b"needed=a", True),
        (b"needed=", True),
        (b"needed", True),
        (b"needed=a&needed=b", True),
        (b"needed=%C3%A9+%20%26&number=%31", True),
        (b"needed=%FF&number=07", True),
        (b"needed=\xc3\xa9", True),
        (b"needed=a&number=4&maybe=1e3&flag=on&color=red&many=1&many=2&some=z", True),
        (b"needed=a&many=&some=", False),
        (b"needed=a&some=", True),
        (b"needed=a&sh-ort=abc&moment=2026-11-25T00:00:00Z", True),
        (b"needed=a&short=abcd", True),
        (b"needed=a;number=4", True),
        (b"&&needed=a&&", True),
        (b"=b&needed=a", True),
        (b"needed=a&unknown=b", True),
        (b"", False),
        (b"Needed=a", False),
        (b"needed=a&number=x", False),
        (b"needed=a&number=", False),
        (b"needed=a&number=1&number=x", False),
        (b"needed=a&many=1&many=x", False),
        (b"needed=a&sh-ort=abcd", False),
        (b"needed=a&flag=maybe", False),
        (b"needed=a&color=green", False),
    ],
)
def test_queries(twins: Make, query: bytes, is_plain: bool) -> None:
    twins(parameters).same(get("/queries", query), compiled=is_plain)


def test_a_default_that_changes_is_another_one_for_each_request(twins: Make) -> None:
    both = twins(parameters)
    for _ in range(2):
        answer = both.same(get("/queries", b"needed=a"), compiled=True)
        assert answer.json["some"] == ["a", "b", "own"]


@pytest.mark.parametrize(
    ("headers", "is_plain"),
    [
        ((), True),
        (((b"user-agent", b"me"), (b"x-number", b"7"), (b"x-named", b"n")), True),
        (((b"x-number", b"1"), (b"x-number", b"2")), True),
        (((b"x-many", b"a, b"), (b"x-many", b"c")), True),
        (((b"as_is", b"a"), (b"as-is", b"b"), (b"x_number", b"9")), True),
        (((b"user-agent", b"\xe9\xff"),), True),
        (((b"user-agent", b""), (b"x-many", b"")), True),
        (((b"X-Number", b"8"),), True),
        (((b"x-number", b"x"),), False),
        (((b"x-number", b""),), False),
        (((b"x-number", b"x"), (b"x-number", b"2")), False),
    ],
)
def test_headers(twins: Make, headers: tuple[tuple[bytes, bytes], ...], is_plain: bool) -> None:
    twins(parameters).same(get("/headers", headers=headers), compiled=is_plain)


@pytest.mark.parametrize(
    ("cookies", "is_plain"),
    [
        ((), True),
        ((b"session=abc; visits=3",), True),
        ((b"session=abc", b"visits=3; session=def"), True),
        ((b'session="a\\"b\\054"; ; =; x',), True),
        ((b"session=\xff=%20",), True),
        ((b"visits=x",), False),
        ((b"visits=",), False),
    ],
)
def test_cookies(twins: Make, cookies: tuple[bytes, ...], is_plain: bool) -> None:
    headers = tuple((b"cookie", value) for value in cookies)
    twins(parameters).same(get("/cookies", headers=headers), compiled=is_plain)


@pytest.mark.parametrize("path", ["/func", "/depends-on-func"])
def test_a_parameter_may_be_called_as_one_of_starlette_s_is(twins: Make, path: str) -> None:
    twins(parameters).same(get(path, b"func=f"), compiled=True)


def test_all_kinds_together(twins: Make) -> None:
    both = twins(parameters)
    headers = (
        (b"content-type", b"application/json"),
        (b"x-token", b"t"),
        (b"cookie", b"session=s"),
    )
    answer = both.same(post("/all/4", ITEM, b"q=1&q=2", headers), compiled=True)
    assert [answer.json[name] for name in ("token", "q")] == ["t", "2"]
    both.same(post("/all/4", ITEM, b"q=1", (*headers, (b"x-number", b"x"))), compiled=False)
    both.same(post("/all/x", ITEM, b"q=1", headers), compiled=False)
