"""A Locust user for HTTP/1.1 that spends as little CPU per request as Python allows.

    class Visitor(LeanHttpUser):
        def on_start(self):
            super().on_start()
            self.home = self.prepare("GET", "/")

        @task
        def visit(self):
            self.send(self.home, check=lambda answer: None if answer.content else "empty")

A request's bytes are prepared once and sent as often as you like. Connections are kept
alive, one per user. There are no cookies, no redirects, no compression and no TLS:
where you need them, use Locust's FastHttpUser.
"""

from __future__ import annotations

import _socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
import gevent.socket
from locust import User
from locust.exception import CatchResponseError, LocustError

READ, WRITE = 1, 2  # libev's names for what a watcher waits for
RECEIVED_AT_ONCE = 1 << 18
MAX_HEAD_BYTES = 1 << 16
NO_CONTENT = (204, 304)


class ProtocolError(Exception):
    """What came is not an HTTP/1.1 answer to what was asked."""


class NoAnswer(ConnectionError):
    """The connection ended before the answer did."""


class Prepared(NamedTuple):
    """wire: the request's bytes, head and body; name: for Locust's statistics."""

    method: str
    name: str
    wire: bytes


class Headers(Mapping[str, str]):
    """Of an answer, by name in any case. Repeated fields are joined by commas."""

    def __init__(self, head: bytes) -> None:
        self._values: dict[str, str] = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.decode("latin-1").partition(":")
            name, value = name.lower(), value.strip(" \t")
            earlier = self._values.get(name)
            self._values[name] = value if earlier is None else f"{earlier}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Answer(NamedTuple):
    """head: status line and headers as they came, without the empty line; content: the
    body, chunks joined."""

    status: int
    head: bytes
    content: bytes

    @property
    def headers(self) -> Headers:
        return Headers(self.head)


def prepare(
    method: str,
    path: str,
    host: str,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Prepared:
    """host: as the Host field has it. A body is JSON unless `headers` say otherwise."""
    content = body.encode() if isinstance(body, str) else body
    fields = {"Host": host}
    if content is not None:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    fields |= headers or {}
    lines = [f"{method} {path} HTTP/1.1", *(f"{field}: {text}" for field, text in fields.items())]
    head = "\r\n".join(lines).encode("latin-1")
    return Prepared(method, name or path, head + b"\r\n\r\n" + (content or b""))


class Connection:
    """One kept-alive connection, for one greenlet.

    It waits on the event loop by itself: gevent's sockets try to read before they wait,
    and after a request there is never anything to read yet.
    """

    def __init__(self, host: str, port: int, timeout_s: float | None = None) -> None:
        self._address = host, port
        self._timeout_s = timeout_s
        self._socket: _socket.socket | None = None

    def open(self) -> None:
        """Raises: OSError."""
        self.close()
        connected = gevent.socket.create_connection(self._address, self._timeout_s)
        connected.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._socket = _socket.socket(fileno=connected.detach())
        self._socket.setblocking(False)
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(self._socket.fileno(), READ)

    def close(self) -> None:
        if self._socket is not None:
            self._readable.close()
            self._socket.close()
            self._socket = None

    def ask(self, request: Prepared) -> Answer:
        """Opens the connection anew where the server has closed it since the last answer.

        Raises: OSError (NoAnswer, TimeoutError and the system's own) or ProtocolError;
        the next request then has a new connection.
        """
        if self.is_over():
            self.open()
        try:
            if self._timeout_s is None:
                self.send(request.wire)
                return self.receive(request.method)
            with gevent.Timeout(self._timeout_s, TimeoutError(f"{self._timeout_s:g} s passed")):
                self.send(request.wire)
                return self.receive(request.method)
        except BaseException:  # whatever ends a request half-way leaves its answer behind
            self.close()
            raise

    def send(self, wire: bytes) -> None:
        assert self._socket is not None
        sent = self.send_some(wire)
        while sent < len(wire):
            writable = self._hub.loop.io(self._socket.fileno(), WRITE)
            try:
                self._hub.wait(writable)
            finally:
                writable.close()
            sent += self.send_some(memoryview(wire)[sent:])

    def send_some(self, wire: bytes | memoryview) -> int:
        """As much as the system takes without waiting."""
        assert self._socket is not None
        try:
            return self._socket.send(wire)
        except BlockingIOError:
            return 0

    def wait(self) -> None:
        """Until there is something to read, or the connection is over."""
        self._hub.wait(self._readable)

    def receive(self, method: str, ready: bool = False) -> Answer:
        """ready: whether `wait` has just returned."""
        received = self._more(ready=ready)
        while (end := received.find(b"\r\n\r\n")) < 0:
            if len(received) > MAX_HEAD_BYTES:
                raise ProtocolError(f"head: longer than {MAX_HEAD_BYTES} bytes")
            received += self._more(received)
        head = received[:end]
        if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit() or head[8:9] != b" ":
            raise ProtocolError(f"head: expected HTTP/1.1 and a status, got {head[:80]!r}")
        status = int(head[9:12])
        content = received[end + 4 :]
        fields = head.lower()
        if status < 200:
            raise ProtocolError(f"status: expected no interim answer, got {status}")
        if method == "HEAD" or status in NO_CONTENT:
            length = 0
        elif b"\r\ntransfer-encoding:" in fields:
            content, rest = self._chunks(fields, content)
            content, length = content + rest, len(content)
        elif (at := fields.find(b"\r\ncontent-length:")) >= 0:
            length = self._length(fields, at + len(b"\r\ncontent-length:"))
            if len(content) < length:
                content = self._up_to(length, content)
        else:
            return self._until_closed(status, head, content)
        if len(content) > length:
            raise ProtocolError(f"body: {len(content) - length} bytes after its end")
        if b"\r\nconnection: close" in fields or head.startswith(b"HTTP/1.0"):
            self.close()
        return Answer(status, head, content)

    def _more(self, before: bytes = b"", ready: bool = False) -> bytes:
        assert self._socket is not None
        while True:
            if not ready:
                self._hub.wait(self._readable)
            ready = False
            try:
                received = self._socket.recv(RECEIVED_AT_ONCE)
            except BlockingIOError:
                continue  # the system woke us for nothing
            if not received:
                raise NoAnswer(f"the server closed the connection after {len(before)} bytes")
            return received

    @staticmethod
    def _length(fields: bytes, at: int) -> int:
        end = fields.find(b"\r\n", at)
        text = (fields[at:] if end < 0 else fields[at:end]).strip(b" \t")
        if not text.isdigit():
            raise ProtocolError(f"content-length: expected a number, got {text[:40]!r}")
        return int(text)

    def _up_to(self, length: int, content: bytes) -> bytes:
        parts, held = [content], len(content)
        while held < length:
            parts.append(self._more(content))
            held += len(parts[-1])
        return b"".join(parts)

    def _chunks(self, fields: bytes, received: bytes) -> tuple[bytes, bytes]:
        """The chunks joined, and what was received after the last one and its trailers."""
        if b"\r\ntransfer-encoding: chunked" not in fields:
            raise ProtocolError("transfer-encoding: expected chunked")
        chunks = []
        while True:
            while (end := received.find(b"\r\n")) < 0:
                if len(received) > MAX_HEAD_BYTES:
                    raise ProtocolError(f"chunk: its size has more than {MAX_HEAD_BYTES} bytes")
                received += self._more(received)
            digits = received[:end].partition(b";")[0].strip(b" \t")
            try:
                size = int(digits, 16)
            except ValueError:
                raise ProtocolError(f"chunk: expected a size, got {digits[:40]!r}") from None
            if size == 0:
                break
            received = received[end + 2 :]
            if len(received) < size + 2:
                received = self._up_to(size + 2, received)
            if received[size : size + 2] != b"\r\n":
                raise ProtocolError(f"chunk: longer than its size, {size}")
            chunks.append(received[:size])
            received = received[size + 2 :]
        # The trailers end with an empty line, of which the size's line has the first half.
        while (last := received.find(b"\r\n\r\n", end)) < 0:
            received += self._more(received)
        return b"".join(chunks), received[last + 4 :]

    def _until_closed(self, status: int, head: bytes, content: bytes) -> Answer:
        parts = [content]
        while True:
            try:
                parts.append(self._more())
            except NoAnswer:
                self.close()
                return Answer(status, head, b"".join(parts))

    def is_over(self) -> bool:
        """Whether it was never open, the server has closed it, or sent what nobody asked for."""
        if self._socket is None:
            return True
        try:
            self._socket.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


class LeanHttpUser(User):
    """See the module. timeout_s: of a request, its connection included."""

    abstract = True
    timeout_s: float | None = 60.0

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        parts = urlsplit(self.host or "")
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
            raise LocustError(f"host: expected http://HOST or http://HOST:PORT, got {self.host!r}")
        self.base = f"http://{parts.netloc}"
        self.netloc = parts.netloc
        self.connection = Connection(parts.hostname, parts.port or 80, self.timeout_s)

    def on_stop(self) -> None:
        self.connection.close()

    def prepare(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> Prepared:
        return prepare(method, path, self.netloc, body, headers, name)

    def send(
        self, request: Prepared, check: Callable[[Answer], str | None] | None = None
    ) -> Answer | None:
        """The answer, or None where there was none; Locust's statistics have it either way.

        check: what is wrong with an answer, or None. Without one, 400 and above is wrong.
        """
        answer: Answer | None = None
        exception: Exception | None = None
        started_at, started = time.time(), time.perf_counter()
        try:
            answer = self.connection.ask(request)
        except (OSError, ProtocolError) as error:
            exception = error
        took_ms = (time.perf_counter() - started) * 1000
        if answer is not None:
            if check is not None:
                fault = check(answer)
            else:
                fault = f"status: {answer.status}" if answer.status >= 400 else None
            if fault is not None:
                exception = CatchResponseError(fault)
        self.report(request, answer, took_ms, exception, started_at)
        return answer

    def report(
        self,
        request: Prepared,
        answer: Answer | None,
        response_time_ms: float,
        exception: Exception | None,
        started_at: float,
    ) -> None:
        self.environment.events.request.fire(
            request_type=request.method,
            name=request.name,
            response_time=response_time_ms,
            response_length=0 if answer is None else len(answer.content),
            response=answer,
            context=self.context(),
            exception=exception,
            start_time=started_at,
            url=self.base,
        )
