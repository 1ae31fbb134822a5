"""What every request gets: an id, a deadline, a size limit, timings, and an answer in any case.

It runs for each request, so it keeps to what is cheap: header pairs instead of Starlette's header
objects, and one timer for all deadlines.
"""

from __future__ import annotations

import asyncio
import logging
import re
from itertools import count
from time import perf_counter
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.engines import deadline
from service.engines.spec import Variant
from service.engines.timeouts import Timeouts
from service.errors import ServiceError
from service.http.problems import problem_response

log = logging.getLogger("hotpath.http")

_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestInfo:
    """Found at request.state.info."""

    __slots__ = ("request_id", "spans_s", "started", "variant")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.started = perf_counter()
        self.spans_s: dict[str, float] = {}
        self.variant: Variant | None = None  # the one that ran

    def server_timing(self) -> bytes:
        spans = b""
        for name, span_s in self.spans_s.items():
            spans += b"%s;dur=%.3f, " % (name.encode(), 1000 * span_s)
        return b"%stotal;dur=%.3f" % (spans, 1000 * (perf_counter() - self.started))


class RequestContext:
    """Pure ASGI: Starlette's BaseHTTPMiddleware costs more than all of FastAPI and breaks
    cancellation."""

    def __init__(self, app: ASGIApp, request_timeout_s: float, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._timeouts = Timeouts(request_timeout_s)
        # Unique among all processes, and no secret: random bits for each request would cost more.
        self._id_prefix = uuid4().hex[:16]
        self._numbers = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent_id = body_bytes = b""
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                sent_id = value
            elif name == b"content-length":
                body_bytes = value
        if sent_id and _SAFE_ID.fullmatch(sent_id):
            request_id = sent_id.decode()
        else:
            request_id = f"{self._id_prefix}{next(self._numbers):016x}"
        info = RequestInfo(request_id)
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

        async def send_named(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                headers = [
                    *message.get("headers", ()),
                    (b"x-request-id", info.request_id.encode()),
                    (b"server-timing", info.server_timing()),
                ]
                if info.variant:
                    headers.append((b"x-engine", info.variant.engine.encode()))
                    headers.append((b"x-offload", info.variant.offload.encode()))
                message["headers"] = headers
            await send(message)

        task = asyncio.current_task()
        assert task is not None
        try:
            if body_bytes and int(body_bytes) > self._max_body_bytes:
                raise self._too_large()
            deadline.set_end(self._timeouts.begin(task))
            try:
                await self._app(scope, receive_limited, send_named)
            except asyncio.CancelledError as error:
                if self._timeouts.is_late(task):
                    raise TimeoutError from error
                raise
            finally:
                self._timeouts.end(task)
        except TimeoutError:
            if answering:
                raise
            await problem_response(deadline.exceeded(), info.request_id)(scope, receive, send_named)
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
