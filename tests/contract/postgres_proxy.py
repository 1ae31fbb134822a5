"""Between a server and PostgreSQL: it can hold back the news that a transaction is committed."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.databases import Postgres

INSERTED = b"INSERT 0 1\0"
IDLE = b"Z\0\0\0\5I"  # ReadyForQuery outside of a transaction: what was to be committed is


class PostgresProxy:
    def __init__(self, socket_path: Path) -> None:
        self._target = str(socket_path)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_armed = False
        self.held = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    def database(self, direct: Postgres) -> Postgres:
        """The same database, by way of this proxy."""
        name = direct.url.partition("?")[0].rpartition("/")[2]
        return Postgres(f"postgresql://postgres@127.0.0.1:{self.port}/{name}")

    def hold_commits(self) -> None:
        """From now on nothing more comes from PostgreSQL once it has committed an insert."""
        self._is_armed = True

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # A blocked accept() or recv() ends by shutdown(), not by close().
        for found in [self._listener, *self._sockets]:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for found in [self._listener, *self._sockets]:
            found.close()

    def _run(self, function, *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._sockets += [client, server]
            self._run(self._pump, client, server, False)
            self._run(self._pump, server, client, True)

    def _pump(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        tail, has_inserted = b"", False
        try:
            while content := source.recv(65_536):
                if is_answer and self._is_armed:
                    seen = tail + content
                    has_inserted = has_inserted or INSERTED in seen
                    if has_inserted and seen.endswith(IDLE):
                        self.held.set()
                        return  # this connection is silent from here on
                    tail = seen[-16:]
                sink.sendall(content)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # one end is gone; so is the connection
