"""What every request gets: an id, a deadline, a size limit, timings, and an answer in any case."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from time import perf_counter
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.engines import deadline
from service.engines.spec import Variant
from service.errors import ServiceError
from service.http.problems import problem_response

log = logging.getLogger("hotpath.http")

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class RequestInfo:
    """Found at request.state.info."""

    request_id: str
    started: float = field(default_factory=perf_counter)
    spans_s: dict[str, float] = field(default_factory=dict)
    variant: Variant | None = None  # the one that ran

    def server_timing(self) -> str:
        spans = self.spans_s | {"total": perf_counter() - self.started}
        return ", ".join(f"{name};dur={1000 * span:.3f}" for name, span in spans.items())


class RequestContext:
    """Pure ASGI: Starlette's BaseHTTPMiddleware costs more than all of FastAPI and breaks
    cancellation."""

    def __init__(self, app: ASGIApp, request_timeout_s: float, max_body_bytes: int) -> None:
        self._app = app
        self._request_timeout_s = request_timeout_s
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent_id = headers.get("x-request-id", "")
        info = RequestInfo(sent_id if _SAFE_ID.fullmatch(sent_id) else uuid4().hex)
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
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = info.request_id
                headers["Server-Timing"] = info.server_timing()
                if info.variant:
                    headers["X-Engine"] = info.variant.engine
                    headers["X-Offload"] = info.variant.offload
            await send(message)

        try:
            if int(headers.get("content-length", 0)) > self._max_body_bytes:
                raise self._too_large()
            deadline.set_timeout(self._request_timeout_s)
            async with asyncio.timeout(self._request_timeout_s):
                await self._app(scope, receive_limited, send_named)
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
