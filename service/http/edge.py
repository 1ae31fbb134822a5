"""The edge: what holds of a connection, whatever is sent over it, before the application is asked.

It is uvicorn's protocol with limits. docs/http.md says which ones the other servers have.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from asyncio import TimerHandle
from collections.abc import Callable, Set, Sized
from functools import partial
from typing import Any, cast
from uuid import uuid4

import httptools
from uvicorn.protocols.http.flow_control import FlowControl

from service.errors import ServiceError
from service.http.connections import Connections
from service.http.context import SAFE_ID
from service.http.one_write import Gathering, OneWrite
from service.http.problems import full, too_many_fields
from service.http.refusals import as_sent, refusal, refusal_when_full
from service.settings import Settings

_LINGER_S = 2.0
"""How long a client may read a refusal, while what it still sends is thrown away: to close at once
would reset the connection, and the client might never see the answer."""

_LEAST_TAKEN = 1 << 16
"""Bytes of an answer that are taken in send_timeout_s by whoever reads at all."""


class Edge(OneWrite):
    """Bounds a request's head in bytes, fields and time, its body and the taking of its answer in
    time; answers what cannot be a request.

    It adds a few calls to a request, and no timer: one runs only while something is awaited, as
    almost all requests arrive whole and almost all answers leave at once.
    """

    def __init__(self, settings: Settings, connections: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._max_head_bytes = settings.max_head_bytes
        self._max_head_fields = settings.max_head_fields
        self._head_timeout_s = settings.head_timeout_s
        self._body_timeout_s = settings.body_timeout_s
        self._send_timeout_s = settings.send_timeout_s
        self._connections = connections
        self._shed: Set[bytes] = self.app_state.get("shed", frozenset())
        self.headers = []
        # What came since a head or a piece of a body was last complete: a head, or trailers and the
        # like, that has not ended.
        self._open_bytes = 0
        # Whether what came could be more than a head may. Most often it is less, and no head has
        # to be measured.
        self._is_to_measure = False
        self._is_over = False  # nothing that comes is looked at any more
        self._is_shedding = False  # a request that is refused has come, but not all of it
        self._awaits_body = False
        self._keeps_alive = True  # what the request says of it, while its body is awaited
        self._timer: TimerHandle | None = None  # until a head or a body is there
        self._send_timer: TimerHandle | None = None
        self.address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # Whatever is not taken at once is to be known of.
        transport.set_write_buffer_limits(high=0)
        super().connection_made(transport)
        self.flow = _Flow(self.transport, self.pipeline)
        self._close: Callable[[], None] = transport.close
        self.address = self.client[0] if self.client else ""
        self._connections.all.add(self)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connections.leave(self)
        self._stop_timer()
        if self._send_timer is not None:
            self._send_timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._open_bytes += len(data)
        self._is_to_measure = self._open_bytes > self._max_head_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # refused by going on in HTTP/1.1
        except httptools.HttpParserError as error:
            known = error.__context__  # what a callback of ours raised
            self._refuse(known if isinstance(known, ServiceError) else _not_http())
            return
        if self._open_bytes > self._max_head_bytes:
            self._refuse(self._too_large())
            return
        if len(self.headers) > self._max_head_fields:
            self._refuse(too_many_fields(self._max_head_fields), are_trailers=not self._is_in_head)
            return
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope and not cycle.response_complete:
            if cycle.more_body:
                self._await_body(len(data))
                return
            self._open_bytes = 0
            if self._timer is not None:
                self._stop_timer()
        elif self._is_shedding:
            self._refuse(full())
        elif self._timer is None and self.scope is not None:
            self._await_head()

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._max_head_fields:
            raise too_many_fields(self._max_head_fields)
        if self._is_to_measure and self._head_bytes() > self._max_head_bytes:
            raise self._too_large()
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            raise _not_http()
        self._open_bytes = 0
        self._connections.has_request(self)
        if self._shed and not self._is_answering and self.url.partition(b"?")[0] in self._shed:
            self._is_shedding = True
            return
        super().on_headers_complete()
        self.headers = []  # trailers; what the application reads stays as it is

    def on_body(self, body: bytes) -> None:
        self._open_bytes = 0
        if not self._is_shedding:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._awaits_body:
            self._has_body()
        if not self._is_shedding:
            super().on_message_complete()
        elif self.parser.should_keep_alive() and not self.flow.write_paused:
            self._answer_shed()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.flow.resume_reading()
        if self._is_over:
            return
        if self._timer is None:
            self._connections.is_idle(self)
        else:
            self._connections.awaits_head(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_taking(self.transport.get_write_buffer_size(), self.loop.time())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    @property
    def is_waiting(self) -> bool:
        """Whether there is no request, nor a part of one."""
        return not (self._is_over or self._is_answering or self._is_in_head or self._has_unread())

    @property
    def is_in_head(self) -> bool:
        return not self._is_over and not self._is_answering and self._is_in_head

    def drop(self) -> None:
        """Closes it without a word."""
        self._is_over = True
        self.transport.close()

    def cut_off(self) -> None:
        """Closes it whatever is under way."""
        self._is_over = True
        self.transport.abort()

    def refuse_body(self) -> None:
        """Another one needs its memory."""
        self._refuse(
            ServiceError("overloaded", "bodies that are still arriving hold too much; retry later")
        )

    def refuse_head(self) -> None:
        self._refuse(ServiceError("stopping", "the service is stopping; retry"))

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_in_head(self) -> bool:
        """Whether a request began whose head is not complete, so that it has no cycle yet."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _has_unread(self) -> bool:
        """Whether the kernel has something that was not handed over yet."""
        descriptor = self.transport.get_extra_info("socket").fileno()
        try:
            (waiting,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))
        except OSError:  # it is gone
            return False
        return bool(waiting)

    def _head_bytes(self) -> int:
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n\r\n")
        return line + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self._head_timeout_s, self._head_is_late)
        if not self._is_answering:
            self._connections.awaits_head(self)

    def _await_body(self, size: int) -> None:
        if not self._awaits_body:
            self._awaits_body = True
            self._stop_timer()
            self._timer = self.loop.call_later(self._body_timeout_s, self._body_is_late)
            self._keeps_alive = self.cycle.keep_alive
            # An answer that comes before the body does is the last one.
            self.cycle.keep_alive = False
            cast(Gathering, self.transport).end = self._linger
        self._connections.arrived(self, size)

    def _has_body(self) -> None:
        self._awaits_body = False
        self._stop_timer()
        self._connections.is_finished(self)
        cast(Gathering, self.transport).end = self._close
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keeps_alive

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_is_late(self) -> None:
        self._timer = None
        if self._is_answering:  # an earlier request, whose time is not counted
            self._await_head()
        elif self._is_in_head:
            self._refuse(
                ServiceError(
                    "head_timeout",
                    f"head: expected all of it within {self._head_timeout_s:g} s, got a part",
                )
            )
        else:
            self.transport.close()

    def _body_is_late(self) -> None:
        if self.flow.read_paused:  # it is not taken from the client: an earlier request is answered
            self._timer = self.loop.call_later(self._body_timeout_s, self._body_is_late)
            return
        self._refuse(
            ServiceError(
                "body_timeout",
                f"body: expected all of it within {self._body_timeout_s:g} s, got a part",
            )
        )

    def _await_taking(self, left: int, since: float) -> None:
        """left: of the answer, at that time."""
        in_s = self._send_timeout_s / 4
        self._send_timer = self.loop.call_later(in_s, self._look_at_taking, left, since)

    def _look_at_taking(self, left_before: int, since: float) -> None:
        left, now = self.transport.get_write_buffer_size(), self.loop.time()
        if left_before - left >= _LEAST_TAKEN:
            self._await_taking(left, now)
        elif now - since < self._send_timeout_s:
            self._await_taking(left_before, since)
        else:
            self.cut_off()

    def _refuse(self, error: ServiceError, are_trailers: bool = False) -> None:
        """Answers what came last, after what was asked before, and closes.

        are_trailers: what is refused are those of the last request, however much of it is there.
        """
        if self._is_over:
            return
        self._is_over = True
        self._stop_timer()
        self._connections.has_request(self)
        self._connections.is_finished(self)
        if not self._is_answering:
            self._close_with(error)
        elif self._is_in_head or not (self.cycle.more_body or are_trailers):
            self.cycle.on_response = partial(self._close_with, error)
        elif self.cycle.response_started or self.pipeline:
            self.transport.abort()  # what was begun must not look whole
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._close_with(error)

    def _close_with(self, error: ServiceError) -> None:
        if self.transport.is_closing():
            return
        self._write(refusal(error, uuid4().hex, b"connection: close\r\n"))
        self._linger()

    def _answer_shed(self) -> None:
        """Without the application, and the connection goes on."""
        request_id = next((value for name, value in self.headers if name == b"x-request-id"), b"")
        if SAFE_ID.fullmatch(request_id):
            answer = refusal(full(), request_id.decode())
        else:
            answer = refusal_when_full(uuid4().hex)
        self._write(answer)
        self._is_shedding = False
        self.scope = None  # type: ignore[assignment]  # as before the first request
        self._stop_timer()
        self._connections.is_idle(self)

    def _write(self, answer: bytes) -> None:
        self.transport.write(as_sent(answer, self.server_state.default_headers))

    def _linger(self) -> None:
        """Ends the sending, and after a while the connection; the client ends it sooner by its own
        end."""
        self._is_over = True
        self._stop_timer()
        self._connections.has_request(self)
        self._connections.is_finished(self)
        self.transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(_LINGER_S, self._close)

    def _too_large(self) -> ServiceError:
        return ServiceError(
            "head_too_large", f"head: expected at most {self._max_head_bytes} bytes, got more"
        )


class _Flow(FlowControl):
    """uvicorn's reads on with each answer, however many requests wait for theirs by then."""

    def __init__(self, transport: asyncio.Transport, pipeline: Sized) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline:
            super().resume_reading()


def _not_http() -> ServiceError:
    return ServiceError("bad_request", "request: expected HTTP/1.1, got something else")
