"""Slow, silent and many clients, and the end: both servers have the same bounds and words."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.contract.conftest import SERVERS, Api, Start, on_sqlite
from tests.contract.samples import is_problem
from tests.databases import Sqlite
from tests.load import Load
from tests.raw import HEAD, answers, connected, is_cut_off, is_live, one, rest, send
from tests.servers import free_port, wait_until

MEGABYTE = 1 << 20
SEAL = b'{"records":[]}'


def seals(length: int) -> bytes:
    return (
        b"POST /v1/seals HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


@pytest.fixture(scope="module", params=SERVERS)
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    with on_sqlite(
        request,
        body_timeout_s="2",
        send_timeout_s="2",
        max_unfinished_bytes=str(16 * MEGABYTE),
    ) as found:
        yield found


def test_a_body_that_does_not_end_is_refused(api: Api) -> None:
    with connected(api.server.port) as connection:
        send(connection, [seals(1000), b"{"])
        (answer,) = answers(rest(connection))
    is_problem(answer, "body_timeout")
    assert answer.headers["connection"] == "close"


def test_a_trickle_after_a_refusal_keeps_nothing(api: Api) -> None:
    with connected(api.server.port) as connection:
        send(connection, [seals(100 * MEGABYTE)])
        is_problem(one(connection), "body_too_large")
        assert is_cut_off(connection, b" ", 0.05)


def test_unfinished_bodies_share_a_bounded_memory(api: Api) -> None:
    process = psutil.Process(api.server.process.pid)
    before = process.memory_info().rss
    found = []
    with ExitStack() as stack:
        connections = []
        for _ in range(100):
            connection = stack.enter_context(connected(api.server.port))
            send(connection, [seals(MEGABYTE), b" " * (MEGABYTE - 1)])
            connections.append(connection)
        assert process.memory_info().rss - before < 100 * MEGABYTE
        with connected(api.server.port) as other:
            send(other, [seals(len(SEAL)), SEAL[:5], SEAL[5:]])
            assert one(other).status == 200
        for connection in connections:
            (answer,) = answers(rest(connection))
            is_problem(answer, answer.json()["code"])
            found.append(answer.json()["code"])
    assert set(found) <= {"overloaded", "body_timeout"}
    assert found.count("overloaded") >= 100 - 16


def test_answers_that_are_not_taken_are_cut_off(api: Api) -> None:
    body = b'{"names":["a"%b],"cutoff":0,"limit":100}' % (b',"a"' * 99)
    request = (
        b"POST /v1/matches HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    with connected(api.server.port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert is_cut_off(connection, request, 0)
        wait_until(lambda: established(api) <= 1, "its end")
    assert is_live(api.server.port, "127.0.0.1")


def established(api: Api) -> int:
    """At the server's end, that of the tests' own client among them."""
    found = psutil.Process(api.server.process.pid).net_connections("tcp")
    return sum(1 for one in found if one.raddr and one.laddr.port == api.server.port)


def test_silent_connections_keep_nobody_out(start: Start, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        with start(Sqlite(tmp_path / "x.db"), max_connections="100") as api, ExitStack() as stack:
            for _ in range(1100):
                stack.enter_context(connected(api.server.port))
            for _ in range(20):
                assert is_live(api.server.port, "127.0.0.1")
            assert established(api) <= 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_address_has_no_more_than_its_connections(start: Start, tmp_path: Path) -> None:
    with start(Sqlite(tmp_path / "x.db"), max_connections_per_address="2") as api:
        api.server.client.close()
        wait_until(lambda: established(api) == 0, "room")
        with connected(api.server.port) as first, connected(api.server.port) as second:
            for connection in (first, second):
                send(connection, [HEAD + b"\r\n"])
                assert one(connection).status == 200
            with connected(api.server.port) as third:
                (answer,) = answers(rest(third))
            is_problem(answer, "overloaded")


def test_probes_have_their_own_way_in(start: Start, tmp_path: Path) -> None:
    port = free_port()
    with start(Sqlite(tmp_path / "x.db"), probe_address=f"127.0.0.1:{port}"):
        wait_until(lambda: probed(port, b"ready") == 200, "readiness")
        assert [probed(port, path) for path in (b"live", b"other")] == [200, 404]


def probed(port: int, path: bytes) -> int:
    with connected(port) as connection:
        send(connection, [b"GET /health/%b HTTP/1.1\r\nHost: a\r\n\r\n" % path])
        return one(connection).status


def test_sigterm_cuts_nobody_off(start: Start, tmp_path: Path) -> None:
    for number in range(3):
        with start(Sqlite(tmp_path / f"{number}.db")) as api:
            load = Load(api.server.port, seals(len(SEAL)) + SEAL)
            with load.running():
                wait_until(partial(load.answered, 50), "answers")
                api.server.process.send_signal(signal.SIGTERM)
                assert api.server.process.wait(60) == 0
            assert not load.lost


def test_in_the_pause_all_is_served_and_no_connection_is_kept(start: Start, tmp_path: Path) -> None:
    with start(Sqlite(tmp_path / "x.db"), shutdown_pause_s="5") as api:
        api.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: api.get("/health/ready").status_code == 503, "the end of readiness")
        answer = api.post("/v1/seals", json={"records": []})
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert api.get("/health/live").status_code == 200
        assert api.server.process.wait(60) == 0


def test_a_second_signal_ends_at_once(start: Start, tmp_path: Path) -> None:
    with start(Sqlite(tmp_path / "x.db"), shutdown_pause_s="300") as api:
        api.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: api.get("/health/ready").status_code == 503, "the end of readiness")
        api.server.process.send_signal(signal.SIGTERM)
        assert api.server.process.wait(60) == -signal.SIGTERM
