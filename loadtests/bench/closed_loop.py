"""A closed loop that costs little: a few microseconds a request, so that the server is the
bottleneck. It speaks to servers of this machine alone, and fails on any answer that is not 200.

Two groups of connections take turns: while the answers of one are read, the server has the
requests of the other to work on.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

CONNECTIONS = 64
TIMEOUT_S = 10
_OK = b"HTTP/1.1 200 "
_HEAD = re.compile(
    rb"HTTP/1\.1 200 [^\r]*\r\n.*?content-length: (\d+)\r\n(?:.*?\r\n)?\r\n", re.S | re.I
)


class WrongAnswer(Exception):
    pass


@dataclass(frozen=True)
class Load:
    """cpu_s: of the server; generator_cpu_s: of this process."""

    requests: int
    wall_s: float
    cpu_s: float
    generator_cpu_s: float


def run(
    port: int, path: str, warm_up_s: float, seconds: float, server_cpu_s: Callable[[], float]
) -> Load:
    """Raises: WrongAnswer, OSError."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n"
    sent = request.encode()
    with ExitStack() as stack:
        sockets = [stack.enter_context(_connected(port)) for _ in range(CONNECTIONS)]
        groups = sockets[::2], sockets[1::2]
        for connection in sockets:
            connection.sendall(sent)
        _exchange(groups, sent, warm_up_s)
        before = time.perf_counter(), server_cpu_s(), time.process_time()
        requests = _exchange(groups, sent, seconds)
        after = time.perf_counter(), server_cpu_s(), time.process_time()
        for connection in sockets:
            _receive(connection)
    wall_s, cpu_s, generator_cpu_s = (b - a for a, b in zip(before, after))
    return Load(requests, wall_s, cpu_s, generator_cpu_s)


def _exchange(
    groups: tuple[list[socket.socket], list[socket.socket]], sent: bytes, seconds: float
) -> int:
    requests = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for group in groups:
            for connection in group:
                _receive(connection)
            for connection in group:
                connection.sendall(sent)
            requests += len(group)
    return requests


def _receive(connection: socket.socket) -> None:
    answer = connection.recv(4096)
    while not (head := _HEAD.match(answer)) or len(answer) < head.end() + int(head[1]):
        is_wrong = not answer.startswith(_OK[: len(answer)])
        more = b"" if is_wrong else connection.recv(4096)
        if not more:
            raise WrongAnswer(repr(answer[:500]))
        answer += more
    if len(answer) != head.end() + int(head[1]):
        raise WrongAnswer(repr(answer[:500]))


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    # A timeout of Python's would poll before each call; the kernel's costs nothing.
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", TIMEOUT_S, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
