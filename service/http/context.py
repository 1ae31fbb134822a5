"""What every request gets: an id, a deadline, size limits, timings, and an answer in any case.

HEAD is answered here as well: as GET, less the body.

It runs for each request, so it keeps to what is cheap: header pairs instead of Starlette's header
objects, and one timer for all deadlines.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Set
from itertools import count
from time import perf_counter
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import deadlines
from service.deadlines import Timeouts
from service.errors import ServiceError
from service.http.ending import Ending
from service.http.head import SINGLE_FIELDS, check_target, twice
from service.http.problems import full, problem_response, too_many_fields
from service.offload.spec import Variant

log = logging.getLogger("hotpath.http")

SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestInfo:
    """Found at request.state.info."""

    __slots__ = ("id_header", "instead_of", "spans_s", "started", "variant")

    def __init__(self, id_header: bytes) -> None:
        self.id_header = id_header
        self.started = perf_counter()
        self.spans_s: dict[str, float] = {}
        self.variant: Variant | None = None  # the one that ran
        self.instead_of: Variant | None = None  # the one that should have

    @property
    def request_id(self) -> str:
        return self.id_header.decode()

    def server_timing(self) -> bytes:
        total_ms = 1000 * (perf_counter() - self.started)
        if not self.spans_s:
            return b"total;dur=%.3f" % total_ms
        spans = b""
        for name, span_s in self.spans_s.items():
            spans += b"%s;dur=%.3f, " % (name.encode(), 1000 * span_s)
        return b"%stotal;dur=%.3f" % (spans, total_ms)


class RequestContext:
    """Pure ASGI: Starlette's BaseHTTPMiddleware costs more than all of FastAPI and breaks
    cancellation."""

    def __init__(
        self,
        app: ASGIApp,
        request_timeout_s: float,
        max_body_bytes: int,
        max_head_fields: int,
        ending: Ending,
        shed: Set[bytes],
    ) -> None:
        self._app = app
        self._ending = ending
        self._shed = shed
        self._max_body_bytes = max_body_bytes
        self._max_head_fields = max_head_fields
        self._timeouts = Timeouts(request_timeout_s)
        ending.when_over(self._timeouts.end_all)
        # Unique among all processes, and no secret: random bits for each request would cost more.
        self._id_prefix = uuid4().hex[:16].encode()
        self._numbers = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_header = body_bytes = repeated = b""
        single = set()
        for name, value in scope["headers"]:
            if name in SINGLE_FIELDS:
                if name in single:
                    repeated = name
                single.add(name)
                if name == b"x-request-id":
                    id_header = value
                elif name == b"content-length":
                    body_bytes = value
        if not id_header or not SAFE_ID.fullmatch(id_header):
            id_header = b"%b%016x" % (self._id_prefix, next(self._numbers))
        info = RequestInfo(id_header)
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}  # a copy: the server looks at its own
        scope.setdefault("state", {})["info"] = info
        answering = False
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                # This exception is what passes through FastAPI's reading of the body.
                raise HTTPException(413, self._too_large().message)
            return message

        # Both are closures: methods of an object that the scope leads to would make a cycle of
        # each request, which only the collector frees. And this one is no coroutine of its own,
        # because that would be one more for each message.
        def send_named(message: Message) -> Awaitable[None]:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                headers = [
                    *message.get("headers", ()),
                    (b"x-request-id", info.id_header),
                    (b"server-timing", info.server_timing()),
                ]
                if info.variant:
                    headers.append((b"x-engine", info.variant.engine.encode()))
                    headers.append((b"x-offload", info.variant.offload.encode()))
                    if info.instead_of:
                        name = info.instead_of.engine.encode()
                        headers.append((b"x-engine-instead-of", name))
                if self._ending.began:
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            elif is_head:
                more = message.get("more_body", False)
                message = {"type": "http.response.body", "body": b"", "more_body": more}
            return send(message)

        try:
            if len(scope["headers"]) > self._max_head_fields:
                raise too_many_fields(self._max_head_fields)
            if repeated:
                raise twice(repeated)
            if body_bytes and int(body_bytes) > self._max_body_bytes:
                raise self._too_large()
            check_target(scope)
            if self._shed and scope["raw_path"] in self._shed:
                raise full()
            with self._timeouts.limit() as ends_at:
                deadlines.set_end(ends_at)
                await self._app(scope, receive_limited, send_named)
        except TimeoutError:
            if answering:
                raise
            late = deadlines.exceeded()
            if self._ending.is_over:
                late = ServiceError("stopping", "the service stops, and cannot finish this; retry")
            await problem_response(late, info.request_id)(scope, receive, send_named)
        except Exception as error:
            if isinstance(error, ServiceError) and error.code != "internal" and not answering:
                await problem_response(error, info.request_id)(scope, receive, send_named)
                return
            log.exception("request %s failed", info.request_id)
            if answering:
                raise
            hidden = ServiceError("internal", f"give this id to the operators: {info.request_id}")
            await problem_response(hidden, info.request_id)(scope, receive, send_named)

    def _too_large(self) -> ServiceError:
        return ServiceError(
            "body_too_large", f"body: expected at most {self._max_body_bytes} bytes, got more"
        )
