"""The lean user against servers that answer in every odd way."""

import importlib
import json
import math
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers import wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture(scope="module")
def users():
    """Locust patches the standard library when it is imported, which the other tests in
    this process would not survive."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
        return importlib.import_module("loadtests.users")


@pytest.fixture
def connect(users):
    opened = []

    def connecting(port, timeout_s=10.0):
        opened.append(users.Connection("127.0.0.1", port, timeout_s))
        return opened[-1]

    yield connecting
    for connection in opened:
        connection.close()


class Script:
    """accepted: how many connections there were, ended: how many of them are closed here;
    requests: what came, one item each."""

    def __init__(self, port):
        self.port, self.accepted, self.ended, self.requests = port, 0, 0, []


@contextmanager
def scripted(*connections):
    """A server whose nth connection is handled by the nth function of (socket, read)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = Script(listener.getsockname()[1])

        def serve():
            for handle in connections:
                peer, _ = listener.accept()
                script.accepted += 1
                # The client goes away where the test wants it to.
                with peer, suppress(OSError):
                    handle(peer, lambda peer=peer: script.requests.append(whole_request(peer)))
                script.ended += 1

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield script
        listener.close()
        thread.join(10)


def whole_request(peer):
    received = b""
    while b"\r\n\r\n" not in received:
        received += peer.recv(1 << 16) or pytest.fail("the client closed the connection")
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += peer.recv(1 << 16)
    return head, body


def answering(*answers):
    """Gives one answer to each request, and then keeps the connection open."""

    def handle(peer, read):
        for answer in answers:
            read()
            peer.sendall(answer)
        peer.settimeout(60)
        peer.recv(1)  # until the client closes it

    return handle


def get(users, path="/x"):
    return users.prepare("GET", path, "test")


def test_one_connection_carries_many_requests(users, connect):
    with scripted(answering(OK, OK, OK)) as server:
        connection = connect(server.port)
        answers = [connection.ask(get(users)) for _ in range(3)]
        connection.close()
    assert [(a.status, a.content) for a in answers] == [(200, b"hello")] * 3
    assert server.accepted == 1


def test_a_prepared_request_is_http(users, connect):
    with scripted(answering(OK)) as server:
        request = users.prepare("POST", "/v1/x?a=1", "example.test:80", '{"ü": 1}', {"X-A": "b"})
        connection = connect(server.port)
        connection.ask(request)
        connection.close()
    ((head, body),) = server.requests
    first, *fields = head.decode().split("\r\n")
    assert first == "POST /v1/x?a=1 HTTP/1.1"
    assert sorted(fields) == [
        "Content-Length: 9",
        "Content-Type: application/json",
        "Host: example.test:80",
        "X-A: b",
    ]
    assert body == '{"ü": 1}'.encode()


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;name=value\r\nhello\r\n1\r\n,\r\n00B\r\n 0\r\n\r\nworld\r\n0\r\nTrailer: x\r\n\r\n"
)
BODIES = {
    "length": (OK, b"hello"),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length:5\r\n\r\nhello", b"hello"),
    "empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    "chunked": (CHUNKED, b"hello, 0\r\n\r\nworld"),
    "chunked, empty": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
    "204": (b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", b""),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", b""),
}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("form", BODIES)
def test_bodies_come_whole_however_they_are_cut(users, connect, form, size):
    answer, expected = BODIES[form]

    def handle(peer, read):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):  # the second one shows that nothing of the first is left
            read()
            for start in range(0, len(answer), size):
                peer.sendall(answer[start : start + size])
                if size < 1000:
                    time.sleep(0.0005)

    with scripted(handle) as server:
        connection = connect(server.port)
        contents = [connection.ask(get(users)).content for _ in range(2)]
    assert contents == [expected, expected]
    assert server.accepted == 1


def test_a_head_has_no_body_whatever_its_length(users, connect):
    with scripted(answering(OK.removesuffix(b"hello"), OK)) as server:
        connection = connect(server.port)
        assert connection.ask(users.prepare("HEAD", "/", "test")).content == b""
        assert connection.ask(get(users)).content == b"hello"
        connection.close()


def test_without_a_length_the_body_ends_with_the_connection(users, connect):
    def handle(peer, read):
        read()
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(3):
            time.sleep(0.01)
            peer.sendall(b"part")

    with scripted(handle, answering(OK)) as server:
        connection = connect(server.port)
        assert connection.ask(get(users)).content == b"partpartpart"
        assert connection.ask(get(users)).content == b"hello"
        connection.close()


def test_headers_ignore_case_and_join_what_is_repeated(users, connect):
    fields = b"X-Engine: rust\r\nset-THING:a\r\nSet-Thing:  b \r\nContent-Length: 0\r\n\r\n"
    with scripted(answering(b"HTTP/1.1 200 OK\r\n" + fields)) as server:
        connection = connect(server.port)
        headers = connection.ask(get(users)).headers
        connection.close()
    assert headers["x-engine"] == headers["X-ENGINE"] == "rust"
    assert headers["Set-Thing"] == "a, b"
    assert headers.get("missing") is None
    assert len(headers) == 3


def closes(peer, read):
    read()
    peer.sendall(OK)


def says_close(peer, read):
    read()
    peer.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    peer.settimeout(60)
    peer.recv(1)  # it leaves the closing to the client


@pytest.mark.parametrize("handle", [closes, says_close])
def test_a_connection_closed_between_requests_is_opened_anew(users, connect, handle):
    with scripted(handle, handle, handle) as server:
        connection = connect(server.port)
        for number in range(1, 4):
            assert connection.ask(get(users)).content == b"hello"
            if handle is closes:
                wait_until(lambda number=number: server.ended == number, "the server to close")
    assert server.accepted == 3


def resets(peer, read):
    read()
    peer.sendall(OK[:-3])
    time.sleep(0.05)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def breaks_off(peer, read):
    read()
    peer.sendall(OK[:-3])


def breaks_off_in_a_chunk(peer, read):
    read()
    peer.sendall(CHUNKED[:60])


def says_nothing(peer, read):
    read()


@pytest.mark.parametrize("handle", [resets, breaks_off, breaks_off_in_a_chunk, says_nothing])
def test_half_an_answer_is_an_error_and_the_next_one_is_whole(users, connect, handle):
    with scripted(handle, answering(OK)) as server:
        connection = connect(server.port)
        with pytest.raises(ConnectionError):
            connection.ask(get(users))
        assert connection.ask(get(users)).content == b"hello"
        connection.close()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "head: expected HTTP/1.1 and a status"),
        (b"HTTP/1.1 2xx OK\r\n\r\n", "head: expected HTTP/1.1 and a status"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "status: expected no interim answer, got 100"),
        (OK.replace(b": 5", b": five"), "content-length: expected a number, got b'five'"),
        (OK.replace(b": 5", b": -5"), "content-length: expected a number"),
        (OK + OK, "body: 43 bytes after its end"),
        (CHUNKED.replace(b"00B", b"zz"), "chunk: expected a size, got b'zz'"),
        (CHUNKED.replace(b"00B", b"009"), "chunk: longer than its size, 9"),
        (CHUNKED + b"more", "body: 4 bytes after its end"),
        (CHUNKED.replace(b": chunked", b": gzip"), "transfer-encoding: expected chunked"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "head: longer than 65536 bytes"),
    ],
)
def test_what_is_not_an_answer_is_named(users, connect, answer, message):
    with scripted(answering(answer), answering(OK)) as server:
        connection = connect(server.port)
        with pytest.raises(users.ProtocolError, match=message):
            connection.ask(get(users))
        assert connection.ask(get(users)).content == b"hello"
        connection.close()


def test_large_bodies_both_ways(users, connect):
    size = 30_000_000
    sent = os.urandom(1000) * 20_000

    def handle(peer, read):
        time.sleep(0.1)  # meanwhile the client's buffers fill up
        read()
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 1000):
            peer.sendall(b"0123456789" * 100)

    with scripted(handle) as server:
        answer = connect(server.port).ask(users.prepare("POST", "/", "test", sent))
    assert answer.content == b"0123456789" * (size // 10)
    assert server.requests[0][1] == sent


def never_answers(peer, read):
    read()
    peer.settimeout(60)
    peer.recv(1)


def test_a_slow_answer_is_given_up(users, connect):
    with scripted(never_answers, answering(OK)) as server:
        connection = connect(server.port, timeout_s=0.3)
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"0\.3 s passed"):
            connection.ask(get(users))
        assert time.monotonic() - started > 0.29
        assert connection.ask(get(users)).content == b"hello"
        connection.close()


def test_the_timeout_is_for_the_whole_answer(users, connect):
    long = OK.replace(b": 5", b": 5000")

    def handle(peer, read):
        read()
        peer.sendall(long[:-5])
        while True:
            time.sleep(0.05)
            peer.sendall(b"h")

    with scripted(handle) as server, pytest.raises(TimeoutError):  # all of it would take 250 s
        connect(server.port, timeout_s=0.3).ask(get(users))


@pytest.fixture
def reported(users):
    """A user of a Locust environment, and what its request event told."""
    from locust.env import Environment

    told = []
    environment = Environment()
    environment.events.request.add_listener(lambda **facts: told.append(facts))

    def user(host):
        found = type("Visitor", (users.LeanHttpUser,), {"host": host, "timeout_s": 5.0})
        return found(environment)

    return user, told


def test_locust_is_told_of_every_request(users, reported):
    make, told = reported
    wrong = OK.replace(b"200 OK", b"500 Oops")
    with scripted(answering(OK, OK, wrong)) as server:
        user = make(f"http://127.0.0.1:{server.port}")
        request = user.prepare("GET", "/x?n=1", name="/x")
        assert user.send(request).content == b"hello"
        user.send(request, check=lambda answer: f"body: got {answer.content.decode()}")
        user.send(request)
        user.on_stop()
    assert user.send(request) is None  # the server is gone
    assert [facts["name"] for facts in told] == ["/x"] * 4
    assert [facts["request_type"] for facts in told] == ["GET"] * 4
    assert [facts["response_length"] for facts in told] == [5, 5, 5, 0]
    first, second, third, fourth = (facts["exception"] for facts in told)
    assert first is None
    assert str(second) == "body: got hello"
    assert str(third) == "status: 500"
    assert isinstance(fourth, ConnectionRefusedError)
    assert all(0 < facts["response_time"] < 5000 for facts in told)


@pytest.mark.parametrize("host", ["https://x.test", "x.test:80", "http://x.test/path", None])
def test_a_host_that_it_cannot_speak_to_is_refused(users, reported, host):
    from locust.exception import LocustError

    with pytest.raises(LocustError, match="host: expected http://HOST"):
        reported[0](host)


class Quick(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def test_the_bench_compares_it_with_fasthttpuser(tmp_path):
    """What it costs is in docs/results/users.json."""
    out = tmp_path / "users.json"
    with ThreadingHTTPServer(("127.0.0.1", 0), Quick) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        bench = [sys.executable, "-m", "loadtests.bench.users", url]
        done = subprocess.run(
            [*bench, "--rounds", "2", "--users", "2", "--seconds", "0.2", "--out", str(out)],
            check=True,
            capture_output=True,
            text=True,
        )
        server.shutdown()
    lean, fast = "LeanHttpUser", "FastHttpUser"
    slices = json.loads(out.read_text())["slices"]
    assert [(s["round"], s["class"]) for s in slices] == [
        (1, lean),
        (1, fast),
        (2, fast),
        (2, lean),
    ]
    cost = [s["cpu_s"] / s["requests"] for s in slices]
    ratio = math.sqrt(cost[0] / cost[1] * cost[3] / cost[2])
    assert f"ratio: {ratio:.3f} (" in done.stdout
