"""HTTP as bytes on a socket, for what no client library would send."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

HEAD = b"GET /health/live HTTP/1.1\r\nHost: a\r\n"
"""A request's head that lacks its end."""

PATIENCE_S = 60
"""How long a server may take to answer or to close; it is far sooner where nothing is wrong."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def connected(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection((host, port), PATIENCE_S) as connection:
        yield connection


def exchange(port: int, *pieces: bytes) -> list[Answer]:
    """What the server answers until it closes, which it must."""
    with connected(port) as connection:
        send(connection, pieces)
        return answers(rest(connection))


def is_live(port: int, host: str) -> bool:
    """Whether a server answers there."""
    try:
        with connected(port, host) as connection:
            send(connection, [HEAD + b"Connection: close\r\n\r\n"])
            return [answer.status for answer in answers(rest(connection))] == [200]
    except ConnectionError:
        return False


def send(connection: socket.socket, pieces: Iterable[bytes]) -> None:
    """As far as the server lets it come: it may have refused, and closed, before the end."""
    with suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)


def is_cut_off(connection: socket.socket, piece: bytes, every_s: float) -> bool:
    """Sends it again and again. Returns: whether the server ended that; else it took it, or did
    nothing, for all of PATIENCE_S."""
    ends = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < ends:
            connection.sendall(piece)
            time.sleep(every_s)
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return False


def rest(connection: socket.socket) -> bytes:
    """All until the end, which is one too where unread bytes of ours made it a reset."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            received += piece
    return received


def one(connection: socket.socket) -> Answer:
    """The next answer, after which nothing may have come yet."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        if end and len(body) >= int(_headers(head).get("content-length", "0")):
            (answer,) = answers(received)
            return answer
        piece = connection.recv(1 << 16)
        assert piece, received
        received += piece


def answers(received: bytes) -> list[Answer]:
    found = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end, head
        headers = _headers(head)
        length = int(headers.get("content-length", "0"))
        assert len(received) >= length
        found.append(Answer(int(head.split(b" ", 2)[1]), headers, received[:length]))
        received = received[length:]
    return found


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
