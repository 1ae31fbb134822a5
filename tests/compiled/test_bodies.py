from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from tests.compiled.apps import bodies
from tests.compiled.twins import JSON, Asked, Twins, post

Make = Callable[[Callable[[], FastAPI]], Twins]

ITEM: dict[str, Any] = {"name": "a", "price": 1.5, "tags": ["x"], "color": "blue"}
PLAIN = [
    ("/items", ITEM),
    ("/items", ITEM | {"price": 3, "tax": None, "unknown": 1}),
    ("/items", ITEM | {"price": "2.5"}),
    ("/items", b' {"name":"a" , "price" :1, "name": "last" }\n'),
    ("/items", '{"name":"é\\u00e9\\ud83d\\ude00","price":1e2}'.encode()),
    ("/everything", {}),
    (
        "/everything",
        {
            "whole": 12345678901234567890123, "real": 1, "text": "t", "raw": "aGk=",
            "exact": 1.10, "flag": "yes", "moment": 1700000000, "day": "2026-11-25",
            "span": "P1D", "id": "5b0b4d9e-3f6d-4c0e-9d5b-2f1f1d1f1d1f", "pair": [1, "b"],
            "distinct": [3, 1, 3], "by_number": {"7": 1, "07": 2}, "extra": {"a": [None]},
            "pet": {"kind": "dog", "name": "d"}, "either": "7", "anything": {"b": 1, "a": 2},
        },
    ),
    ("/everything", b'{"exact": 1.10, "real": -0, "whole": -0, "either": 1.0}'),
    ("/everything", b'{"exact": "1.10", "real": -0.0, "span": 1.5}'),
    ("/everything", b'{"real": 1e999, "anything": -1e999}'),
    ("/everything", b'{"anything": [0.1, 1e23, 9007199254740993, 5e-324, 1E5, 2.5e+3]}'),
    ("/everything", b'{"by_number": {"1": 1, "1": 2}, "anything": {"a": 1, "b": 2, "a": 3}}'),
    ("/strict", {"count": 1, "share": 1, "name": "abcde"}),
    ("/validated", {"text": " a ", "shown": [1]}),
    ("/embedded", {"item": ITEM}),
    ("/two", {"item": ITEM, "count": "3"}),
    ("/two", {"item": ITEM, "count": 3, "note": "n"}),
    ("/list", [ITEM, ITEM]),
    ("/list", []),
    ("/number", 3),
    ("/number", b"-0.5e1"),
    ("/optional", ITEM),
    ("/optional", None),
    ("/any", [1, "a", None, True, {"x": {}}]),
    ("/any", None),
    ("/pet", {"kind": "cat", "lives": 9}),
    ("/aliased", {"the-number": 4}),
    ("/raw", ITEM),
    ("/unread", b"whatever"),
    ("/sync", ITEM),
]  # fmt: skip
HANDED_ON = [
    ("/items", ITEM | {"price": -1}),
    ("/items", {}),
    ("/items", []),
    ("/items", None),
    ("/items", 1),
    ("/items", b""),
    ("/items", b"{"),
    ("/items", b'{"name": "a", "price": NaN}'),
    ("/items", b'{"name": "a", "price": Infinity}'),
    ("/items", b'{"name": "a", "price": 1,}'),
    ("/items", b'{"name": "a", "price": 1} x'),
    ("/items", b'{"name": "a", "price": 01}'),
    ("/items", b'{"name": "a\x01", "price": 1}'),
    ("/items", b'{"name": "\\ud800", "price": 1}'),
    ("/items", b'{"name": "\xff", "price": 1}'),
    ("/items", b'\xef\xbb\xbf{"name": "a", "price": 1}'),
    ("/items", json.dumps(ITEM).encode("utf-16")),
    ("/items", json.dumps(ITEM).encode("utf-32-le")),
    ("/items", b'{"name": "a", "price": ' + b"1" * 5000 + b"}"),
    ("/everything", b'{"anything": ' + b"[" * 300 + b"]" * 300 + b"}"),
    ("/everything", b'{"anything": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    # Python's mode of validation: strict means that text is no UUID, date or tuple.
    ("/strict", {"id": "5b0b4d9e-3f6d-4c0e-9d5b-2f1f1d1f1d1f"}),
    ("/strict", {"moment": "2026-11-25T00:00:00Z"}),
    ("/strict", {"pair": [1, 2]}),
    ("/strict", {"name": "abcdef"}),
    ("/strict", {"more": 1}),
    ("/validated", {"text": "bad"}),
    ("/validated", {"text": "worse"}),
    ("/embedded", ITEM),
    ("/embedded", [ITEM]),
    ("/two", {"item": ITEM}),
    ("/two", {"item": ITEM, "count": 1.5}),
    ("/list", [ITEM, {}]),
    ("/number", "x"),
    ("/optional", b""),
    ("/pet", {"kind": "bird"}),
    ("/aliased", {"number": 4}),
]


@pytest.mark.parametrize(("path", "content"), PLAIN)
def test_a_valid_body_is_answered_without_fastapi(twins: Make, path: str, content: Any) -> None:
    answer = twins(bodies).same(post(path, content), compiled=True)
    assert answer.status == 200
    assert answer.messages == 2


@pytest.mark.parametrize(("path", "content"), HANDED_ON)
def test_any_other_body_is_left_to_fastapi(twins: Make, path: str, content: Any) -> None:
    twins(bodies).same(post(path, content), compiled=False)


@pytest.mark.parametrize(
    ("media_type", "is_plain"),
    [
        (b"application/json", True),
        (b"application/json; charset=utf-8", True),
        (b"application/json;charset=utf-8", True),
        (b"Application/JSON", False),
        (b"application/json; charset=latin-1", False),
        (b"application/vnd.api+json", False),
        (b"application/x-json", False),
        (b"text/plain", False),
        (b"json", False),
        (b"", False),
        (b"\xff", False),
        (None, False),
    ],
)
def test_a_media_type_spelt_otherwise_is_left_to_fastapi(
    twins: Make, media_type: bytes | None, is_plain: bool
) -> None:
    headers = () if media_type is None else ((b"content-type", media_type),)
    asked = post("/items", ITEM, headers=headers)
    twins(bodies).same(asked, compiled=is_plain)


@pytest.mark.parametrize("encoding", [b"gzip", b"identity", b""])
def test_an_encoded_body_is_left_to_fastapi(twins: Make, encoding: bytes) -> None:
    headers = (*JSON, (b"content-encoding", encoding))
    twins(bodies).same(post("/items", ITEM, headers=headers), compiled=False)


def test_the_first_content_type_counts(twins: Make) -> None:
    both = twins(bodies)
    text = (b"content-type", b"text/plain")
    both.same(post("/items", ITEM, headers=(*JSON, text)), compiled=True)
    both.same(post("/items", ITEM, headers=(text, *JSON)), compiled=False)


BODY = json.dumps(ITEM).encode()


@pytest.mark.parametrize("is_valid", [True, False])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_may_come_in_pieces(twins: Make, size: int, is_valid: bool) -> None:
    body = BODY if is_valid else BODY + b"}"
    chunks = (*(body[at : at + size] for at in range(0, len(body), size)), b"")
    asked = Asked("POST", "/items", headers=JSON, chunks=chunks)
    twins(bodies).same(asked, compiled=is_valid)


@pytest.mark.parametrize("chunks", [(), (BODY[:5],), (BODY,)])
@pytest.mark.parametrize("path", ["/items", "/raw", "/unread"])
def test_a_client_that_leaves_is_left_to_fastapi(
    twins: Make, path: str, chunks: tuple[bytes, ...]
) -> None:
    asked = Asked("POST", path, headers=JSON, chunks=chunks, leaves=True)
    twins(bodies).same(asked, compiled=path == "/unread")


@pytest.mark.parametrize("chunks", [(), (BODY[:5],), (BODY[:5], b"x")])
@pytest.mark.parametrize("kind", [OSError, ValueError])
def test_what_fails_while_a_body_is_read_is_left_to_fastapi(
    twins: Make, kind: type[Exception], chunks: tuple[bytes, ...]
) -> None:
    asked = Asked("POST", "/items", headers=JSON, chunks=chunks, fails=kind("reading"))
    twins(bodies).same(asked, compiled=False)


@pytest.mark.parametrize("chunks", [(BODY,), (BODY[:5], BODY[5:])])
def test_a_limit_of_the_app_is_kept(twins: Make, chunks: tuple[bytes, ...]) -> None:
    def limited(most: int) -> Callable[[], FastAPI]:
        def make() -> FastAPI:
            app = bodies()
            app.max_body_size = most
            return app

        return make

    asked = Asked("POST", "/items", headers=JSON, chunks=chunks)
    assert twins(limited(10)).same(asked, compiled=False).status == 413
    assert twins(limited(1000)).same(asked, compiled=True).status == 200
