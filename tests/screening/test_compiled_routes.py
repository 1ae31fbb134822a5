"""The sample's routes are answered alike, compiled or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service.app import create_app
from service.screening import DOMAIN
from service.settings import Settings
from tests.compiled.wire import answer, assert_same, examples, json_request, request, variations
from tests.servers import serving

Ports = tuple[int, int]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """The ports of a server that compiles its routes, and of one that doesn't, on one database."""
    database = f"sqlite:///{tmp_path_factory.mktemp('both') / 'shared.db'}"
    with ExitStack() as stack:
        compiled, plain = (
            stack.enter_context(
                serving(
                    tmp_path_factory.mktemp(f"compiled-{switch}") / "log",
                    engine="python",
                    allow_engine_override="true",
                    database_url=database,
                    compiled_routes=switch,
                )
            )
            for switch in ("true", "false")
        )
        yield compiled.port, plain.port


def test_every_route_is_compiled() -> None:
    served = create_app(Settings(), DOMAIN)
    assert [r.path for r in served.state.compiled.routes() if r.reason] == [
        "/openapi.json",
        "/docs/static",
    ]


OPERATIONS = [
    (method, path, example)
    for method, path, example in examples(create_app(Settings(), DOMAIN).openapi())
]


@pytest.mark.parametrize(
    ("path", "example"), [(path, example) for _, path, example in OPERATIONS if example is not None]
)
def test_each_example_of_the_document_and_what_may_be_wrong_with_it(
    both: Ports, path: bytes, example: dict[str, object]
) -> None:
    assert assert_same(*both, json_request(path, example)).startswith(b"HTTP/1.1 20")
    for content in variations(path, example):
        assert_same(*both, content)


@pytest.mark.parametrize("path", [path for _, path, example in OPERATIONS if example is None])
@pytest.mark.parametrize("query", [b"", b"?limit=1&limit=2", b"?limit=x", b"?after=%FF", b"?a=b"])
def test_what_takes_no_body(both: Ports, path: bytes, query: bytes) -> None:
    for identifier in (b"01890000-0000-7000-8000-000000000000", b"x", b"%00", b"%F0%9F%98%80"):
        target = path.replace(b"{id}", identifier).replace(b"{place}", b"0") + query
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            assert_same(*both, request(method, target))
        assert_same(*both, request("GET", target, b"x-engine: reference"))


def test_what_was_created_is_read_alike_and_a_key_is_kept(both: Ports) -> None:
    (payment,) = (e for method, path, e in OPERATIONS if path == b"/v1/payments" and e is not None)
    created = []
    for port in both:
        key = b"idempotency-key: key-%d" % port
        content = json_request(b"/v1/payments", payment, key)
        first, again = answer(port, content), answer(port, content)
        assert first.split(b"\r\n\r\n")[1] == again.split(b"\r\n\r\n")[1]
        assert b"idempotency-replayed: true" in again
        created.append(json.loads(first.split(b"\r\n\r\n")[1])["id"].encode())
    for identifier in created:
        found = assert_same(*both, request("GET", b"/v1/payments/" + identifier))
        assert found.startswith(b"HTTP/1.1 200")
    found = assert_same(*both, request("GET", b"/v1/payments?limit=1"))
    assert found.startswith(b"HTTP/1.1 200")
