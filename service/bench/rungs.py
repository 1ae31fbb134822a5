"""The rungs of the ladder that are not FastAPI routes. docs/ladder.md compares them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.bench import loop_lag, routes
from service.settings import Rung

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers with their names in lower case, body."""

_JSON = [(b"content-type", b"application/json"), routes.SERVER]


def mount(app: FastAPI, rung: Rung) -> None:
    if rung == "starlette":
        app.add_route("/bench/json", _on_starlette(_json), methods=["GET"])
        app.add_route("/bench/db", _on_starlette(_db), methods=["GET"])
    routes.mount(app, rung)
    app.include_router(loop_lag.router())


def in_front(app: FastAPI, rung: Rung) -> ASGIApp:
    """What a server runs: the app, behind what the rung puts before it."""
    if rung == "asgi":
        return _Outside(app, {"/bench/json": _as_app(_json), "/bench/db": _as_app(_db)})
    if rung == "bare":
        bare = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
        routes.mount(bare, rung)
        return _Outside(app, dict.fromkeys(("/bench/json", "/bench/db"), bare))
    return app


async def _json(_: Scope) -> Answer:
    return 200, _JSON, to_json({"message": routes.HELLO})


async def _db(scope: Scope) -> Answer:
    number, value = await routes.random_world(scope["state"]["database"])
    return 200, _JSON, to_json({"id": number, "randomNumber": value})


def _on_starlette(route: Callable[[Scope], Awaitable[Answer]]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        status, headers, body = await route(request.scope)
        return Response(body, status, {k.decode(): v.decode() for k, v in headers})

    return endpoint


def _as_app(route: Callable[[Scope], Awaitable[Answer]]) -> ASGIApp:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        status, headers, body = await route(scope)
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


class _Outside:
    """Without a deadline, request ids and problems: for comparison, not to be copied."""

    def __init__(self, app: ASGIApp, paths: Mapping[str, ASGIApp]) -> None:
        self._app, self._paths = app, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["method"] == "GET":
            app = self._paths.get(scope["path"], app)
        await app(scope, receive, send)
