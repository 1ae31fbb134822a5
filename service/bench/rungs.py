"""The rungs of the ladder that are not FastAPI routes. docs/ladder.md compares them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.bench import loop_lag, routes
from service.http.fast_lane import FastAnswer, FastLane, FastRoute, as_app
from service.settings import Rung

_JSON = [(b"content-type", b"application/json"), routes.SERVER]


def mount(app: FastAPI, rung: Rung) -> None:
    if rung == "starlette":
        app.add_route("/bench/json", _on_starlette(_json), methods=["GET"])
        app.add_route("/bench/db", _on_starlette(_db), methods=["GET"])
    routes.mount(app, rung)
    app.include_router(loop_lag.router())


def in_front(app: FastAPI, rung: Rung, middleware: Callable[[ASGIApp], ASGIApp]) -> ASGIApp:
    """What a server runs: the app, behind what the rung puts before it."""
    if rung == "fast-lane":
        return FastLane(app, FAST_ROUTES, middleware)
    if rung == "asgi":
        return _Outside(app, {path: as_app(route) for (_, path), route in FAST_ROUTES.items()})
    if rung == "bare":
        bare = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
        routes.mount(bare, rung)
        return _Outside(app, dict.fromkeys(("/bench/json", "/bench/db"), bare))
    return app


async def _json(_: Scope) -> FastAnswer:
    return 200, _JSON, to_json({"message": routes.HELLO})


async def _db(scope: Scope) -> FastAnswer:
    number, value = await routes.random_world(scope["state"]["hot_reads"])
    return 200, _JSON, to_json({"id": number, "randomNumber": value})


FAST_ROUTES: Mapping[tuple[str, str], FastRoute] = {
    ("GET", "/bench/json"): _json,
    ("GET", "/bench/db"): _db,
}


def _on_starlette(route: FastRoute) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        status, headers, body = await route(request.scope)
        return Response(body, status, {k.decode(): v.decode() for k, v in headers})

    return endpoint


class _Outside:
    """Without a deadline, request ids and problems: for comparison, not to be copied."""

    def __init__(self, app: ASGIApp, paths: Mapping[str, ASGIApp]) -> None:
        self._app, self._paths = app, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["method"] == "GET":
            app = self._paths.get(scope["path"], app)
        await app(scope, receive, send)
