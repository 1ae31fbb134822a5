"""Requests at random: whatever comes, both answer the same.

In all 10,000 of them, a tenth of which are for the parser alone; `make fuzz` asks for a million.
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.compiled import parse_json
from tests.compiled import apps
from tests.compiled.twins import Asked, Twins

Make = Callable[[Callable[[], FastAPI]], Twins]

# FUZZ_EXAMPLES is for each of the fuzz tests of the engines, of which 5,000 are many; as many
# times the usual number are made here.
MORE = int(os.environ.get("FUZZ_EXAMPLES", "50")) / 50


def fuzzed(examples: int) -> Any:
    return settings(
        max_examples=round(examples * MORE),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


text = st.text(max_size=8) | st.sampled_from(
    ["", "1", "-1", "1.5", "true", "null", "a b", "é", "\ud800", "\x00", "red", "9" * 20, "1_0",
     "2026-11-25", "2026-11-25T01:02:03Z", str(uuid.UUID(int=7)), "aGk=", "NaN", "inf", "\u2028"]
)  # fmt: skip
numbers = (
    st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([0, -0.0, 1e400, -1e400, 1e-320, 0.1, 9007199254740993, 2**63, 2**64])
)
scalars = st.none() | st.booleans() | numbers | text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


def like(kind: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly of the kind, and sometimes anything."""
    return st.one_of(kind, kind, kind, kind, values)


def objects(needed: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda of, extra: of | extra,
        st.fixed_dictionaries(
            {name: like(kind) for name, kind in needed.items()},
            optional={name: like(kind) for name, kind in more.items()},
        ),
        st.just({}) | st.dictionaries(text, values, max_size=1),
    )


items = objects(
    {"name": text, "price": st.floats(0.01, 1e6) | st.integers(1, 9)},
    {
        "tax": st.none() | st.floats(),
        "tags": st.lists(text, max_size=3),
        "color": st.sampled_from(["red", "blue", "green"]),
    },
)
pets = objects({"kind": st.just("cat"), "lives": st.integers()}, {}) | objects(
    {"kind": st.just("dog"), "name": text}, {}
)
ids = st.uuids().map(str)
moments = st.datetimes().map(str) | st.integers(0, 2**33)
everything = objects(
    {},
    {
        "whole": numbers, "real": numbers, "text": text, "raw": st.sampled_from(["aGk=", "a", "é"]),
        "exact": numbers | text, "flag": st.booleans() | text, "moment": moments,
        "day": st.dates().map(str), "span": st.sampled_from(["P1D", "1:02", 3, 1.5]), "id": ids,
        "pair": st.tuples(st.integers(), text).map(list),
        "distinct": st.lists(st.integers(0, 3)), "either": scalars, "anything": values,
        "by_number": st.dictionaries(st.integers().map(str), numbers, max_size=3), "pet": pets,
    },
)  # fmt: skip
strict = objects(
    {},
    {
        "id": ids,
        "moment": moments,
        "count": numbers,
        "share": numbers,
        "name": text,
        "pair": values,
    },
)
validated = objects({"text": text | st.sampled_from(["bad", "worse"])}, {"shown": values})

BODIES: dict[str, st.SearchStrategy[Any]] = {
    "/items": items,
    "/everything": everything,
    "/strict": strict,
    "/validated": validated,
    "/embedded": objects({"item": items}, {}),
    "/two": objects({"item": items, "count": numbers}, {"note": text}),
    "/list": st.lists(items, max_size=3),
    "/number": scalars,
    "/optional": st.none() | items,
    "/any": values,
    "/pet": pets,
    "/aliased": objects({"the-number": numbers}, {"number": numbers}),
    "/raw": items,
}

# As JSON is written otherwise: the spaces, escapes and numbers that a writer of ours never makes.
SPELLINGS: tuple[Callable[[Any], bytes], ...] = (
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"),
    lambda value: json.dumps(value, indent=1, separators=(" ,\r", "\t:")).encode(),
    lambda value: json.dumps(value).replace(".0", "e0").replace("1", "1E0").encode(),
    lambda value: json.dumps(value).replace('"', '"\\u0061', 1).encode(),
)


@st.composite
def mutated(draw: Any, content: bytes) -> bytes:
    """A byte more, less or other than it was."""
    at = draw(st.integers(0, len(content)))
    put = draw(st.sampled_from(
        [b"", b'"', b"{", b"}", b",", b"-", b"0", b"e", b"\\", b"\x00", b"\xff", b"NaN", b" ", b"1",
         b"[", b"\xef\xbb\xbf", b"1" * 4301]
    ))  # fmt: skip
    return content[:at] + put + content[at + draw(st.integers(0, 2)) :]


@st.composite
def contents(draw: Any, value: st.SearchStrategy[Any]) -> bytes:
    spell = draw(st.sampled_from(SPELLINGS))
    content = spell(draw(value))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(mutated(content))
    if kind == 1:
        return draw(
            st.sampled_from([b"", b" ", content.decode("utf-8", "replace").encode("utf-16")])
        )
    return content


media_types = st.sampled_from(
    [b"application/json"] * 20 + [b"application/json; charset=utf-8", b"Application/JSON",
     b"application/problem+json", b"text/plain", b"application/json;x", b""]
)  # fmt: skip


@st.composite
def chunked(draw: Any, content: bytes) -> tuple[bytes, ...]:
    if not draw(st.booleans()):
        return (content,)
    at = draw(st.integers(0, len(content)))
    return (content[:at], content[at:], b"")


counts = {"compiled": 0, "all": 0}


def compare(twins: Twins, asked: Asked) -> None:
    before = twins.answered
    twins.same(asked)
    counts["all"] += 1
    counts["compiled"] += twins.answered - before


@pytest.fixture(scope="module", autouse=True)
def _both_ways_were_taken() -> Any:
    """An eighth and more of the requests must be of each kind, or this shows nothing. Where some
    tests were left out there is nothing to say."""
    yield
    if counts["all"] > 8500 * MORE:
        assert counts["all"] / 8 < counts["compiled"] < counts["all"] * 7 / 8, counts


@fuzzed(3000)
@given(data=st.data())
def test_bodies(twins: Make, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(BODIES)))
    content = data.draw(contents(BODIES[path]))
    headers = ((b"content-type", data.draw(media_types)),)
    asked = Asked("POST", path, b"", headers, data.draw(chunked(content)))
    compare(twins(apps.bodies), asked)


names = st.sampled_from(
    ["needed", "number", "maybe", "flag", "color", "many", "some", "sh-ort", "moment", "x", "q"]
)
quoted = text.map(lambda value: value.encode("utf-8", "surrogatepass")).map(
    lambda raw: b"".join(
        b"%%%02x" % byte if byte > 126 or byte < 33 else b"%c" % byte for byte in raw
    )
)
# Latin-1 is what Starlette reads; the ASCII rest of it may be anything.
pairs = st.builds(
    lambda name, mark, value: name.encode() + mark + value,
    names,
    st.sampled_from([b"=", b"=", b"=", b""]),
    quoted | st.binary(max_size=4) | st.sampled_from([b"1", b"%31", b"1+", b"%", b"%zz", b"a%26b"]),
)
queries = st.lists(pairs, max_size=5).map(b"&".join) | st.binary(max_size=12)


@fuzzed(2000)
@given(query=queries, has_needed=st.booleans())
def test_queries(twins: Make, query: bytes, has_needed: bool) -> None:
    if has_needed:
        query = b"needed=a&" + query
    compare(twins(apps.parameters), Asked("GET", "/queries", query))


header_names = st.sampled_from(
    [
        b"user-agent",
        b"x-number",
        b"x-many",
        b"as_is",
        b"as-is",
        b"x-named",
        b"x-token",
        b"cookie",
        b"host",
    ]
)
header_values = st.binary(max_size=6) | st.sampled_from(
    [b"1", b"-2.5", b"1e3", b"", b"a, b", b" 1", b"session=a; visits=2", b"visits=x"]
)
headers = st.lists(st.tuples(header_names, header_values), max_size=5)


@fuzzed(1500)
@given(path=st.sampled_from(["/headers", "/cookies"]), headers=headers)
def test_headers_and_cookies(twins: Make, path: str, headers: list[tuple[bytes, bytes]]) -> None:
    compare(twins(apps.parameters), Asked("GET", path, b"", tuple(headers)))


segments = text | st.sampled_from(
    ["1", "2", "0", "-1", "1.5", "paths", "converted", "%2F", ".", ".."]
)


@fuzzed(1500)
@given(
    start=st.sampled_from(["/paths/", "/converted/1/2.5/", "/all/", "/", "/items/"]),
    rest=st.lists(segments, max_size=3).map("/".join),
    end=st.sampled_from(["", "/1", "/", "\n", f"/{uuid.UUID(int=1)}/a"]),
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "get"]),
)
def test_paths(twins: Make, start: str, rest: str, end: str, method: str) -> None:
    compare(twins(apps.parameters), Asked(method, start + rest + end))


@fuzzed(1000)
@given(data=st.data())
def test_all_kinds_together(twins: Make, data: st.DataObject) -> None:
    asked = Asked(
        "POST",
        "/all/" + data.draw(st.sampled_from(["1", "-5", "x", "1.0"])),
        data.draw(st.just(b"") | queries),
        (
            (b"content-type", data.draw(media_types)),
            *data.draw(headers),
        ),
        data.draw(chunked(data.draw(contents(items)))),
    )
    compare(twins(apps.parameters), asked)


def same(one: Any, other: Any) -> bool:
    """Of the same types, too; and nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or repr(one) == repr(other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


json_text = st.builds(lambda spell, value: spell(value), st.sampled_from(SPELLINGS), values)
digits = st.from_regex(rb"-?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{0,3})?", fullmatch=True)


@fuzzed(1000)
@given(content=json_text | digits | json_text.flatmap(mutated) | st.binary(max_size=10))
def test_what_the_parser_takes_is_what_python_s_makes_of_it(content: bytes) -> None:
    """Without the twins: a body is parsed by another parser than FastAPI's."""
    try:
        found = parse_json(content)
    except ValueError:
        return
    assert same(found, json.loads(content)), content
