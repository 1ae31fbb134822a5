"""A connection before there is a request: both servers have the same bounds and the same words."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.contract.conftest import SERVERS, Api, on_sqlite
from tests.contract.samples import is_problem
from tests.raw import HEAD, answers, connected, exchange, is_live, one, rest, send
from tests.servers import COMMANDS, free_port, wait_until

MAX_HEAD_BYTES = 16_384
MAX_HEAD_FIELDS = 40
KEEP_ALIVE_S = 3
CLOSE = b"Connection: close\r\n\r\n"
MEGABYTE = b"a" * (1 << 20)
SEAL = (
    b"POST /v1/seals HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\ne\r\n" + b'{"records":[]}' + b"\r\n0\r\n"
)


def fields(count: int) -> bytes:
    return b"".join(b"X%d: a\r\n" % number for number in range(count))


@pytest.fixture(scope="module", params=SERVERS)
def edge(request: pytest.FixtureRequest) -> Iterator[Api]:
    with on_sqlite(
        request,
        max_head_bytes=str(MAX_HEAD_BYTES),
        max_head_fields=str(MAX_HEAD_FIELDS),
        head_timeout_s="2",
        keep_alive_s=str(KEEP_ALIVE_S),
    ) as api:
        yield api


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (HEAD + b"X: " + MEGABYTE, "head_too_large"),
        (HEAD + b"X: " + MEGABYTE + b"\r\n\r\n", "head_too_large"),
        (b"GET /" + MEGABYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n", "head_too_large"),
        (HEAD + fields(10_000) + b"\r\n", "head_too_large"),
        (HEAD + b"X: a\r\n" * 10_000 + b"\r\n", "head_too_large"),
        (HEAD + fields(MAX_HEAD_FIELDS - 1) + CLOSE, "head_too_large"),
        (HEAD + b"X: a\r\n" * (MAX_HEAD_FIELDS - 1) + CLOSE, "head_too_large"),
        (b"nonsense\r\n\r\n", "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "bad_request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bad_request"),
        (b"GET /\r\n\r\n", "bad_request"),
        (HEAD, "head_timeout"),
        (b"GET /health", "head_timeout"),
    ],
    ids=[
        *("endless value", "value", "path", "fields", "one name", "one more", "one more of a name"),
        *("nonsense", "no colon", "length", "HTTP/2", "HTTP/0.9", "late", "late in the first line"),
    ],
)
def test_what_can_be_no_request_is_a_problem(edge: Api, bad: bytes, code: str, before: int) -> None:
    *served, refused = exchange(edge.server.port, (HEAD + b"\r\n") * before + bad)
    assert [answer.status for answer in served] == [200] * before
    is_problem(refused, code)
    assert refused.headers.get("connection") == "close" or bad.endswith(CLOSE)


def test_as_many_fields_and_bytes_as_may_be_are_taken(edge: Api) -> None:
    most = HEAD + fields(MAX_HEAD_FIELDS - 3)
    large = b"X: " + b"a" * (MAX_HEAD_BYTES - len(most) - len(CLOSE) - 5) + b"\r\n"
    assert len(most + large + CLOSE) == MAX_HEAD_BYTES
    assert [answer.status for answer in exchange(edge.server.port, most + large + CLOSE)] == [200]


@pytest.mark.parametrize("trailer", [b"X: " + MEGABYTE, fields(10_000), fields(60) + b"\r\n"])
def test_fields_after_a_body_are_bounded_too(edge: Api, trailer: bytes) -> None:
    with connected(edge.server.port) as connection:
        send(connection, [SEAL + trailer])
        is_problem(one(connection), "head_too_large")


def test_fields_after_a_body_are_none_of_the_request(edge: Api) -> None:
    with connected(edge.server.port) as connection:
        send(connection, [SEAL + b"X-Request-ID: of-the-trailer\r\n\r\n"])
        answer = one(connection)
    assert answer.status == 200
    assert answer.headers["x-request-id"] != "of-the-trailer"


def test_a_head_that_never_ends_is_not_kept(edge: Api) -> None:
    process = psutil.Process(edge.server.process.pid)
    assert edge.get("/health/live").status_code == 200
    before = process.memory_info().rss
    with connected(edge.server.port) as connection:
        send(connection, [HEAD + b"X: ", *[MEGABYTE] * 64])
        rest(connection)
    assert process.memory_info().rss - before < 32 << 20


@pytest.mark.parametrize("before", [0, 1])
def test_a_connection_without_a_request_is_closed_without_a_word(edge: Api, before: int) -> None:
    with connected(edge.server.port) as connection:
        for _ in range(before):
            send(connection, [HEAD + b"\r\n"])
            assert one(connection).status == 200
        assert rest(connection) == b""


@pytest.mark.parametrize("begin", [b"G", b"GET", HEAD])
def test_a_second_request_has_no_more_time_than_the_first(edge: Api, begin: bytes) -> None:
    with connected(edge.server.port) as connection:
        send(connection, [HEAD + b"\r\n"])
        assert one(connection).status == 200
        send(connection, [begin])
        (refused,) = answers(rest(connection))
    is_problem(refused, "head_timeout")


# engine: go
@pytest.mark.parametrize("command", ["gateway", "upstream"])
def test_an_address_of_ipv6_is_served(
    tmp_path: Path, watchlist_directory: Path, command: str
) -> None:
    log = tmp_path / "log"
    port = free_port()
    settings = {
        "HOTPATH_DATABASE_URL": f"sqlite:///{tmp_path}/db",
        "HOTPATH_WATCHLIST": str(watchlist_directory),
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [*COMMANDS["service"][:3], command, "--host", "::1", "--port", str(port)],
            env=os.environ | settings,
            stderr=output,
        )
    try:
        wait_until(lambda: is_live(port, "::1"), "an answer", log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


# engine: end
