"""A listener of its own for /health: its thread answers whatever the service is busy with."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.errors import ServiceError
from service.http.ending import Ending
from service.http.health import readiness
from service.http.problems import problem_response
from service.settings import Settings

_EVERY_S = 1.0
"""How old an answer to /health/ready is at most, as long as the service's loop runs."""

_OLD_S = 10.0
"""The service's loop has not run for so long: it is not ready."""

_NOT_READY = b'{"status":"not ready"}'

Address = tuple[str, int]


def address_of_probes(settings: Settings) -> Address | None:
    if settings.probe_address is None:
        return None
    host, _, port = settings.probe_address.rpartition(":")
    return host.strip("[]"), int(port)


@asynccontextmanager
async def serving_probes(
    settings: Settings, address: Address | None, state: dict[str, Any]
) -> AsyncIterator[None]:
    """Raises: ServiceError invalid_argument where the address cannot be listened at."""
    if address is None:
        yield
        return
    found = _Found()
    listener = listening(address)
    asking = asyncio.create_task(_ask(found, SimpleNamespace(**state)))
    server = _server(found, state["ending"], settings)
    thread = threading.Thread(target=server.run, args=([listener],), name="probes", daemon=True)
    thread.start()
    try:
        yield
    finally:
        asking.cancel()
        server.should_exit = True
        await asyncio.to_thread(thread.join, 5)


class _Found:
    """What the service's loop found, and when."""

    def __init__(self) -> None:
        self.status, self.document, self.at = 503, _NOT_READY, 0.0


async def _ask(found: _Found, state: Any) -> None:
    while True:
        with suppress(Exception):  # what was found before grows old
            status, document = await readiness(state)
            found.status, found.document, found.at = status, to_json(document), time.monotonic()
        await asyncio.sleep(_EVERY_S)


def _server(found: _Found, ending: Ending, settings: Settings) -> Any:
    from service.http.server import Config, Server  # which is uvicorn's: others do without

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/health/live":
            status, document = 200, b'{"status":"live"}'
        elif scope["path"] == "/health/ready":
            is_old = time.monotonic() - found.at > _OLD_S
            status, document = found.status, found.document
            if is_old or not ending.is_ready:
                status, document = 503, _NOT_READY
        else:
            lacking = ServiceError("not_found", "path: expected /health/live or /health/ready")
            await problem_response(lacking, uuid4().hex)(scope, receive, send)
            return
        await Response(document, status, media_type="application/json")(scope, receive, send)

    quick = settings.model_copy(update={"shutdown_pause_s": 0, "shutdown_grace_s": 1})
    return Server(Config(app, quick, lifespan="off", log_config=None))


def listening(address: Address) -> socket.socket:
    """One of several workers': the system gives a connection to any of them.

    Raises: ServiceError invalid_argument.
    """
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServiceError(
            "invalid_argument",
            f"probe_address: expected an address that can be listened at, got {host} and {port}: "
            f"{error}",
        ) from error
    return listener
