"""What slow, silent and many clients cost: they are cut off, the others are served meanwhile."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.platform.running import hotpath, serving
from tests.platform.toy.gate import Gate
from tests.raw import HEAD, Answer, answers, connected, is_cut_off, one, rest, send
from tests.servers import COMMANDS, Server, free_port, wait_until

EXTREMES = "tests.platform.toy.extremes:DOMAIN"
MEGABYTE = 1 << 20
HALF_READ = (
    b"GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{"
)


def sums(length: int) -> bytes:
    return (
        b"POST /v1/sums HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("slow") / "log",
        domain=EXTREMES,
        body_timeout_s="2",
        send_timeout_s="2",
        keep_alive_s="60",
        max_unfinished_bytes=str(16 * MEGABYTE),
    ) as found:
        yield found


def is_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


def open_connections(server: Server) -> int:
    """At the server's end, that of the tests' own client among them."""
    processes = [psutil.Process(server.process.pid), *server.family()]
    found = [
        one.raddr.port
        for process in processes
        for one in process.net_connections("tcp")
        if one.raddr and one.laddr.port == server.port
    ]
    return len(found)


@pytest.mark.parametrize("trickles", [False, True])
def test_a_body_that_does_not_end_is_refused(server: Server, trickles: bool) -> None:
    with connected(server.port) as connection:
        send(connection, [sums(1000), b"{"])
        if trickles:
            connection.settimeout(0.1)
            received = b""
            while not received:
                connection.sendall(b" ")
                try:
                    received = connection.recv(1 << 16)
                except TimeoutError:
                    continue
            connection.settimeout(60)
            (answer,) = answers(received + rest(connection))
        else:
            (answer,) = answers(rest(connection))
    is_problem(answer, 408, "body_timeout")
    assert answer.headers["connection"] == "close"


def test_a_body_that_takes_its_time_is_taken(server: Server) -> None:
    body = b'{"numbers":[1,2]}'
    with connected(server.port) as connection:
        for _ in range(2):
            send(connection, [sums(len(body))])
            for byte in body:
                connection.sendall(bytes([byte]))
                time.sleep(0.01)
            answer = one(connection)
            assert (answer.status, answer.json()) == (200, {"total": 3})
            assert "connection" not in answer.headers


@pytest.mark.parametrize(
    ("begin", "status"),
    [(HALF_READ, 200), (sums(100 * MEGABYTE), 413)],
    ids=["nobody reads it", "too large"],
)
def test_an_answer_ahead_of_the_bodys_end_is_read_and_a_trickle_keeps_nothing(
    server: Server, begin: bytes, status: int
) -> None:
    with connected(server.port) as connection:
        send(connection, [begin])
        answer = one(connection)
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert is_cut_off(connection, b" ", 0.05)


def test_an_answer_comes_although_much_is_still_sent(server: Server) -> None:
    with connected(server.port) as connection:
        connection.sendall(sums(100 * MEGABYTE) + b" " * (4 * MEGABYTE))
        (answer,) = answers(rest(connection))
    is_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize("count", [1, 20])
def test_an_answer_that_is_not_taken_is_cut_off(server: Server, count: int) -> None:
    before = memory(server)
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(connected(server.port))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            send(connection, [b"GET /v1/large HTTP/1.1\r\nHost: a\r\n\r\n"])
        with connected(server.port) as other:
            send(other, [HEAD + b"\r\n"])
            assert one(other).status == 200
        wait_until(lambda: open_connections(server) <= 1, "the end of those that take nothing")
    wait_until(lambda: memory(server) - before < 200 * MEGABYTE, "their memory")


def test_many_answers_that_are_not_taken_are_bounded_and_cut_off(server: Server) -> None:
    with connected(server.port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert is_cut_off(connection, b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 1000, 0)
        wait_until(lambda: open_connections(server) <= 1, "its end")


def test_an_answer_that_is_taken_slowly_comes_whole(server: Server) -> None:
    with connected(server.port) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        send(connection, [b"GET /v1/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
        received = 0
        while piece := connection.recv(1 << 20):
            received += len(piece)
            time.sleep(0.01)
    assert received > 32 * MEGABYTE


def memory(server: Server) -> int:
    processes = [psutil.Process(server.process.pid), *server.family()]
    return sum(process.memory_info().rss for process in processes)


def test_unfinished_bodies_share_a_bounded_memory(server: Server) -> None:
    before = memory(server)
    found = []
    with ExitStack() as stack:
        connections = []
        for _ in range(100):
            connection = stack.enter_context(connected(server.port))
            send(connection, [sums(MEGABYTE), b" " * (MEGABYTE - 1)])
            connections.append(connection)
        assert memory(server) - before < 100 * MEGABYTE
        with connected(server.port) as other:
            send(other, [sums(15), b'{"numbers":', b"[1]}"])
            assert one(other).status == 200
        for connection in connections:
            (answer,) = answers(rest(connection))
            found.append((answer.status, answer.json()["code"]))
    assert set(found) <= {(503, "overloaded"), (408, "body_timeout")}
    assert found.count((503, "overloaded")) >= 100 - 16


def test_silent_connections_beyond_the_file_descriptors_keep_nobody_out(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    limited = ("sh", "-c", 'ulimit -n 1024; exec "$0" "$@"', *COMMANDS["service"])
    try:
        with serving(tmp_path / "log", command=limited) as found, ExitStack() as stack:
            for _ in range(1100):
                stack.enter_context(connected(found.port))
            for _ in range(20):
                with connected(found.port) as other:
                    send(other, [HEAD + b"\r\n"])
                    assert one(other).status == 200
            assert found.client.get("/health/ready").status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_past_the_limit_the_one_that_waited_longest_goes(tmp_path: Path) -> None:
    with serving(tmp_path / "log", max_connections="10") as found, ExitStack() as stack:
        found.client.close()
        waiting = [stack.enter_context(connected(found.port)) for _ in range(10)]
        send(waiting[0], [HEAD + b"\r\n"])
        assert one(waiting[0]).status == 200  # it waits less long than the others from here on
        with connected(found.port) as one_more:
            send(one_more, [HEAD + b"\r\n"])
            assert one(one_more).status == 200
            assert rest(waiting[1]) == b""
            send(waiting[0], [HEAD + b"\r\n"])
            assert one(waiting[0]).status == 200


def test_past_the_limit_who_is_served_stays_and_who_comes_is_refused(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    body = b'{"numbers":[1],"gate":"%s"}' % gate.path.encode()
    with serving(tmp_path / "log", max_connections="3", offload="thread", threads="3") as found:
        found.client.close()
        with ExitStack() as stack:
            served = [stack.enter_context(connected(found.port)) for _ in range(3)]
            for connection in served:
                send(connection, [sums(len(body)), body])
            wait_until(lambda: gate.waiting == 3, "the calls", found.log)
            with connected(found.port) as refused:
                (answer,) = answers(rest(refused))
            is_problem(answer, 503, "overloaded")
            assert answer.headers["retry-after"] == "1"
            gate.open()
            assert [one(connection).status for connection in served] == [200] * 3


def test_one_address_has_no_more_than_its_connections(tmp_path: Path) -> None:
    with serving(tmp_path / "log", max_connections_per_address="2") as found:
        found.client.close()
        with connected(found.port) as first, connected(found.port) as second:
            for connection in (first, second):
                send(connection, [HEAD + b"\r\n"])
                assert one(connection).status == 200
            with connected(found.port) as third:
                (answer,) = answers(rest(third))
            is_problem(answer, 503, "overloaded")
        wait_until(lambda: probed(found.port, b"live").status == 200, "room")


def test_a_shut_path_is_refused_and_the_connection_goes_on(server: Server) -> None:
    body = b'{"numbers":[1]}'
    request = sums(len(body)) + body
    with connected(server.port) as connection:
        send(connection, [request])
        assert one(connection).status == 200
        assert server.client.post("/v1/shut").status_code == 204
        try:
            send(connection, [request])
            is_problem(refused := one(connection), 503, "overloaded")
            assert refused.headers["retry-after"] == "1"
            assert "date" in refused.headers
            named = request.replace(b"Host: a\r\n", b"Host: a\r\nX-Request-ID: mine\r\n")
            send(connection, [named * 3])
            received = b""
            while received.count(b'"mine"') < 3:
                received += connection.recv(1 << 16)
            assert [answer.headers["x-request-id"] for answer in answers(received)] == ["mine"] * 3
            send(connection, [HEAD + b"\r\n"])
            assert one(connection).status == 200
            send(connection, [sums(100)])  # whose body does not come
            (refused,) = answers(rest(connection))
            is_problem(refused, 503, "overloaded")
        finally:
            assert server.client.post("/v1/open").status_code == 204
    assert server.client.post("/v1/sums", content=body, headers=JSON).status_code == 200


JSON = {"Content-Type": "application/json"}


def test_probes_have_their_own_way_in(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    port = free_port()
    body = b'{"numbers":[1],"gate":"%s"}' % gate.path.encode()
    with (
        serving(tmp_path / "log", offload="inline", probe_address=f"127.0.0.1:{port}") as found,
        connected(found.port) as busy,
    ):
        wait_until(lambda: probed(port, b"ready").status == 200, "readiness", found.log)
        send(busy, [sums(len(body)), body])
        wait_until(lambda: gate.waiting == 1, "the call", found.log)
        assert [probed(port, b"live").status for _ in range(20)] == [200] * 20
        assert probed(port, b"other").status == 404
        wait_until(lambda: probed(port, b"ready").status == 503, "the loop's standstill", found.log)
        gate.open()
        assert one(busy).status == 200
        wait_until(lambda: probed(port, b"ready").status == 200, "readiness", found.log)


@pytest.mark.parametrize("address", ["127.0.0.1:{taken}", "127.0.0.1:70000", "192.0.2.1:80"])
def test_an_address_for_probes_that_cannot_be_had_ends_the_start(
    tmp_path: Path, address: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = hotpath(
            *("serve", "--port", str(free_port())),
            expect=2,
            HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/db",
            HOTPATH_PROBE_ADDRESS=address.format(taken=taken.getsockname()[1]),
        )
    assert "probe_address: expected an address that can be listened at" in found.stderr.decode()


def probed(port: int, path: bytes) -> Answer:
    with connected(port) as connection:
        send(connection, [b"GET /health/%b HTTP/1.1\r\nHost: a\r\n\r\n" % path])
        return one(connection)


def test_who_comes_is_served_while_others_keep_the_loop_busy(tmp_path: Path) -> None:
    """As many as wait are accepted, not one for each turn in which all others are served."""
    body = b'{"numbers":[1],"wait_s":0.001}'
    with serving(tmp_path / "log", offload="inline") as found, ExitStack() as stack:
        keeping = [stack.enter_context(connected(found.port)) for _ in range(50)]
        request = sums(len(body)) + body
        for connection in keeping:  # a turn of the loop takes 50 ms
            send(connection, [request * 100])
        coming = [stack.enter_context(connected(found.port)) for _ in range(200)]
        for connection in coming:
            send(connection, [HEAD + b"\r\n"])
        answered = [one(connection).status for connection in coming]
        still = sum(connection.recv(1 << 20).count(b"HTTP/1.1 200") < 100 for connection in keeping)
        assert answered == [200] * 200
        assert still > 25  # who takes 200 turns to accept them finds all others through
