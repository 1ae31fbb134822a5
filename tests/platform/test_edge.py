"""A connection costs little before there is a request: its head is bounded in bytes, fields and
time on each server. What uvicorn answers more exactly than the others is at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

from service.servers import Server as Name
from tests.platform.running import serving
from tests.raw import HEAD, Answer, answers, connected, exchange, one, rest, send
from tests.servers import Server

MAX_HEAD_BYTES = 16_384
MAX_HEAD_FIELDS = 40
HEAD_TIMEOUT_S = 2
KEEP_ALIVE_S = 3

CLOSE = b"Connection: close\r\n\r\n"
POST = (
    b"POST /v1/sums HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nf\r\n" + b'{"numbers":[1]}' + b"\r\n0\r\n"
)
MEGABYTE = b"a" * (1 << 20)


def fields(count: int) -> bytes:
    return b"".join(b"X%d: a\r\n" % number for number in range(count))


@pytest.fixture(scope="module", params=list(Name))
def edge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return request.getfixturevalue(f"{request.param}_edge")


def _served(name: Name, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp(name) / "log",
        *("--server", name),
        max_head_bytes=str(MAX_HEAD_BYTES),
        max_head_fields=str(MAX_HEAD_FIELDS),
        head_timeout_s=str(HEAD_TIMEOUT_S),
        keep_alive_s=str(KEEP_ALIVE_S),
    ) as found:
        yield found


@pytest.fixture(scope="module")
def uvicorn_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _served(Name.uvicorn, tmp_path_factory)


@pytest.fixture(scope="module")
def granian_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _served(Name.granian, tmp_path_factory)


@pytest.fixture(scope="module")
def hypercorn_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _served(Name.hypercorn, tmp_path_factory)


def memory(server: Server) -> int:
    processes = [psutil.Process(server.process.pid), *server.family()]
    return sum(process.memory_info().rss for process in processes)


@pytest.mark.parametrize(
    "begin", [HEAD + b"X: ", b"GET /", HEAD + b"X", b"GE"], ids=["value", "path", "name", "method"]
)
def test_a_head_that_never_ends_is_refused_and_not_kept(edge: Server, begin: bytes) -> None:
    assert edge.client.get("/health/live").status_code == 200
    before = memory(edge)
    with connected(edge.port) as connection:
        send(connection, [begin, *[MEGABYTE] * 64])
        refused = answers(rest(connection))
    assert [answer.status for answer in refused] in ([431], [414], [400])
    assert memory(edge) - before < 32 << 20


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"X: " + MEGABYTE + b"\r\n\r\n",
        b"GET /" + MEGABYTE + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        HEAD + fields(10_000) + b"\r\n",
        HEAD + fields(MAX_HEAD_FIELDS - 1) + CLOSE,
    ],
    ids=["value", "path", "10,000 fields", "one field more"],
)
def test_a_head_past_its_limits_is_refused(edge: Server, content: bytes) -> None:
    refused = answer_to(edge, content)
    # Granian has a status of its own for a first line that is long by itself.
    assert refused.status == 431 or (refused.status == 414 and content.startswith(b"GET /a"))


def answer_to(server: Server, content: bytes) -> Answer:
    with connected(server.port) as connection:
        send(connection, [content])
        return one(connection)


def test_as_many_fields_as_may_be_are_taken(edge: Server) -> None:
    (answer,) = exchange(edge.port, HEAD + fields(MAX_HEAD_FIELDS - 2) + CLOSE)
    assert answer.status == 200


def test_the_second_request_of_a_connection_is_bounded_too(edge: Server) -> None:
    with connected(edge.port) as connection:
        send(connection, [HEAD + b"\r\n"])
        assert one(connection).status == 200
        send(connection, [HEAD + b"X: ", MEGABYTE])
        assert [answer.status for answer in answers(rest(connection))] == [431]


@pytest.mark.parametrize("begin", [b"", b"GET", HEAD], ids=["nothing", "a word", "fields"])
@pytest.mark.parametrize("before", [0, 1])
def test_a_head_that_does_not_come_ends_the_connection(
    edge: Server, begin: bytes, before: int
) -> None:
    with connected(edge.port) as connection:
        for _ in range(before):
            send(connection, [HEAD + b"\r\n"])
            assert one(connection).status == 200
        send(connection, [begin])
        assert [answer.status for answer in answers(rest(connection))] in ([], [408])


def test_heads_that_trickle_end_while_others_are_answered(edge: Server) -> None:
    waiting = []
    try:
        for _ in range(100):
            context = connected(edge.port)
            waiting.append((context, context.__enter__()))
        ends = time.monotonic() + 60
        open_ones = [connection for _, connection in waiting]
        for connection in open_ones:
            send(connection, [HEAD])
            connection.settimeout(0)
        while open_ones and time.monotonic() < ends:
            assert edge.client.get("/health/live").status_code == 200
            open_ones = [connection for connection in open_ones if trickles(connection)]
            time.sleep(0.2)
        assert not open_ones
    finally:
        for context, _ in waiting:
            context.__exit__(None, None, None)


def trickles(connection) -> bool:
    """Sends one more field; whether the server still waits for the rest."""
    try:
        connection.sendall(b"X: a\r\n")
        return not connection.recv(1)
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def test_an_idle_connection_is_kept_for_a_while_and_closed_without_a_word(edge: Server) -> None:
    with connected(edge.port) as connection:
        for _ in range(3):
            send(connection, [HEAD + b"\r\n"])
            assert one(connection).status == 200
        assert rest(connection) == b""


def test_fields_after_a_body_are_bounded_and_are_no_fields_of_the_request(
    edge: Server,
) -> None:
    with connected(edge.port) as connection:
        send(connection, [POST + b"X-Request-ID: of-the-trailer\r\n\r\n"])
        answer = one(connection)
        assert (answer.status, answer.json()) == (200, {"total": 1})
        assert answer.headers["x-request-id"] != "of-the-trailer"
    before = memory(edge)
    with connected(edge.port) as connection:
        send(connection, [POST + b"X: ", *[MEGABYTE] * 64])
        rest(connection)
    assert memory(edge) - before < 32 << 20


# uvicorn alone from here on, whose edge is ours.


def is_problem(answer: Answer, status: int, code: str) -> None:
    problem = answer.json()
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == problem["request_id"]
    assert answer.headers["connection"] == "close"
    assert "date" in answer.headers


@pytest.mark.parametrize("size", [MAX_HEAD_BYTES, MAX_HEAD_BYTES + 1])
@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_the_largest_head_is_taken_however_it_comes(
    uvicorn_edge: Server, size: int, pieces: int
) -> None:
    content = HEAD + b"X: " + b"a" * (size - len(HEAD) - 5 - len(CLOSE)) + b"\r\n" + CLOSE
    assert len(content) == size
    step = -(-size // pieces)
    (answer,) = exchange(
        uvicorn_edge.port, *(content[start : start + step] for start in range(0, size, step))
    )
    if size <= MAX_HEAD_BYTES:
        assert answer.status == 200
    else:
        is_problem(answer, 431, "head_too_large")


def test_a_body_does_not_count_to_the_head(uvicorn_edge: Server) -> None:
    body = b'{"numbers":[1]}'.ljust(90_000)
    head = b"POST /v1/sums HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    first = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    last = head + fields(20) + b"Content-Length: %d\r\n" % len(body) + CLOSE + body
    found = exchange(uvicorn_edge.port, first * 5 + last)
    assert [(answer.status, answer.json()) for answer in found] == [(200, {"total": 1})] * 6


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        (HEAD + b"X: " + MEGABYTE, 431, "head_too_large"),
        (HEAD + fields(10_000), 431, "head_too_large"),
        (b"GET /" + MEGABYTE, 431, "head_too_large"),
        (b"\r\n" * (1 << 20), 431, "head_too_large"),
        (POST + b"X: " + MEGABYTE, 431, "head_too_large"),
        (POST + fields(10_000), 431, "head_too_large"),
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400, "bad_request"),  # TLS
        (POST.replace(b"\r\nf\r\n", b"\r\nzz\r\n"), 400, "bad_request"),
        (HEAD, 408, "head_timeout"),
    ],
    ids=[
        *("value", "fields", "path", "blank lines", "trailer", "trailers"),
        *("nonsense", "no colon", "length", "TLS", "chunk", "late"),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 2])
def test_each_refusal_is_a_problem_after_the_answers_before_it(
    uvicorn_edge: Server, bad: bytes, status: int, code: str, before: int
) -> None:
    ahead = (HEAD + b"\r\n") * before
    if bad.startswith(b"POST") and before:
        # Their own request is with the application, and waits for its turn: no answer to it could
        # come in its place.
        with connected(uvicorn_edge.port) as connection:
            for _ in range(before):
                send(connection, [HEAD + b"\r\n"])
                assert one(connection).status == 200
            send(connection, [bad])
            (refused,) = answers(rest(connection))
    else:
        *served, refused = exchange(uvicorn_edge.port, ahead + bad)
        assert [answer.status for answer in served] == [200] * before
    is_problem(refused, status, code)


def test_what_a_refused_client_still_sends_does_not_keep_its_answer_from_it(
    uvicorn_edge: Server,
) -> None:
    with connected(uvicorn_edge.port) as connection:
        connection.sendall(HEAD + b"X: " + 20 * MEGABYTE)  # all of it, without a reset
        (answer,) = answers(rest(connection))
    is_problem(answer, 431, "head_too_large")


def test_a_head_that_comes_together_with_the_request_before_it_is_measured(
    uvicorn_edge: Server,
) -> None:
    large = HEAD + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n"
    served, refused = exchange(uvicorn_edge.port, HEAD + b"\r\n" + large)
    assert served.status == 200
    is_problem(refused, 431, "head_too_large")
