"""Clients that ask again and again, and count what becomes of each request."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.raw import Answer, answers

PATIENCE_S = 60


class Load:
    """Half of the clients keep their connections, half of them take a new one for each request."""

    def __init__(self, port: int, request: bytes, clients: int = 8) -> None:
        self.counts: Counter[str] = Counter()
        self._port, self._request = port, request
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(clients)
        ]

    @property
    def lost(self) -> dict[str, int]:
        """What no client may see: neither an answer nor the word that there is no server."""
        known = ("200", "503", "refused")
        return {what: count for what, count in self.counts.items() if what not in known}

    @contextmanager
    def running(self) -> Iterator[Load]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join()

    def answered(self, more_than: int) -> bool:
        return self.counts["200"] > more_than

    def _ask(self, keeps: bool) -> None:
        connection: socket.socket | None = None
        while not self._is_over.is_set():
            if connection and select.select([connection], [], [], 0)[0]:
                self._look_at_end(connection)
                connection = None
            try:
                connection = connection or socket.create_connection(
                    ("127.0.0.1", self._port), PATIENCE_S
                )
            except ConnectionRefusedError:
                self._count("refused")
                time.sleep(0.01)
                continue
            except OSError as error:
                self._count(f"{type(error).__name__} at the connection's start")
                continue
            outcome, goes_on = self._exchange(connection)
            self._count(outcome)
            if not (keeps and goes_on):
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _look_at_end(self, connection: socket.socket) -> None:
        """Of a connection without a request, which the server may close and must not reset."""
        with connection:
            try:
                if connection.recv(1):
                    self._count("something that was not asked for")
            except ConnectionError as error:
                self._count(f"{type(error).__name__} between requests")

    def _exchange(self, connection: socket.socket) -> tuple[str, bool]:
        try:
            connection.sendall(self._request)
            answer = _one(connection)
        except ConnectionError as error:
            return type(error).__name__, False
        except TimeoutError:
            return "no answer in time", False
        if answer is None:
            return "closed without an answer", False
        if answer.status == 503 and "retry-after" not in answer.headers:
            return "503 without Retry-After", False
        return str(answer.status), answer.headers.get("connection") != "close"

    def _count(self, outcome: str) -> None:
        with self._lock:
            self.counts[outcome] += 1


def _one(connection: socket.socket) -> Answer | None:
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        if end:
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            if len(body) >= int(length or b"0"):
                return answers(received)[0]
        piece = connection.recv(1 << 16)
        if not piece:
            return None
        received += piece
