"""The edge: what holds of a connection, whatever is sent over it, before the application is asked.

It is uvicorn's protocol with limits. docs/http.md says which ones the other servers have.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from functools import partial
from typing import Any
from uuid import uuid4

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.errors import ServiceError
from service.http.one_write import OneWrite
from service.http.problems import problem_response, too_many_fields
from service.settings import Settings

_LINGER_S = 1.0
"""How long a client may read a refusal, while what it still sends is thrown away: to close at once
would reset the connection, and the client might never see the answer."""


class Edge(OneWrite):
    """Bounds a request's head in bytes, fields and time; answers what cannot be a request.

    It adds a few calls to a request, and no timer: one runs only while a head is awaited, as
    almost all of them arrive whole.
    """

    def __init__(self, settings: Settings, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._max_head_bytes = settings.max_head_bytes
        self._max_head_fields = settings.max_head_fields
        self._head_timeout_s = settings.head_timeout_s
        self.headers = []
        # What came since a head or a piece of a body was last complete: a head, or trailers and the
        # like, that has not ended.
        self._open_bytes = 0
        # Whether what came could be more than a head may. Most often it is less, and no head has
        # to be measured.
        self._is_to_measure = False
        self._is_over = False  # nothing that comes is looked at any more
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn's timer would keep what a broken connection held until it is due.
        self._unset_keepalive_if_required()
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._unset_keepalive_if_required()
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
            if not cycle.more_body:
                self._open_bytes = 0
            if self._timer is not None:
                self._stop_timer()
        elif self._timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._max_head_fields:
            raise too_many_fields(self._max_head_fields)
        if self._is_to_measure and self._head_bytes() > self._max_head_bytes:
            raise self._too_large()
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            raise _not_http()
        self._open_bytes = 0
        super().on_headers_complete()
        self.headers = []  # trailers; what the application reads stays as it is

    def on_body(self, body: bytes) -> None:
        self._open_bytes = 0
        super().on_body(body)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_in_head(self) -> bool:
        """Whether a request began whose head is not complete, so that it has no cycle yet."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _head_bytes(self) -> int:
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n\r\n")
        return line + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self._head_timeout_s, self._head_is_late)

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

    def _refuse(self, error: ServiceError, are_trailers: bool = False) -> None:
        """Answers what came last, after what was asked before, and closes.

        are_trailers: what is refused are those of the last request, however much of it is there.
        """
        self._is_over = True
        self._stop_timer()
        if not self._is_answering:
            self._close_with(error)
        elif self._is_in_head or not (self.cycle.more_body or are_trailers):
            self.cycle.on_response = partial(self._close_with, error)
        elif self.cycle.response_started or self.pipeline:
            self.transport.close()  # what was begun must not look whole
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._close_with(error)

    def _close_with(self, error: ServiceError) -> None:
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        request_id = uuid4().hex
        answer = problem_response(error, request_id)
        fields = [
            *self.server_state.default_headers,
            *answer.raw_headers,
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[answer.status_code] + head + b"\r\n" + answer.body)
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.close)

    def _too_large(self) -> ServiceError:
        return ServiceError(
            "head_too_large", f"head: expected at most {self._max_head_bytes} bytes, got more"
        )


def _not_http() -> ServiceError:
    return ServiceError("bad_request", "request: expected HTTP/1.1, got something else")
