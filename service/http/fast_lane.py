"""A few declared routes answered ahead of FastAPI; docs/ladder.md says when that is worth it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

FastAnswer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers with their names in lower case, body. Content-Length is added."""

FastRoute = Callable[[Scope], Awaitable[FastAnswer]]
"""From the ASGI scope of a request whose query and body do not matter; what the lifespan made is
in scope["state"]. Raises ServiceError like any route."""


class FastLane:
    """Answers its routes itself and hands everything else on: other paths and methods, and a
    request with a query string.

    app: what else there is, and what declares each route again, for OpenAPI and the schema's
        readers. Both answer the same, which a test of the user's must show.
    routes: by method and path, which is matched as it is: no parameters.
    middleware: what the fast routes run inside of; the same that the app has.
    Raises: ValueError where the app does not declare a route.
    """

    def __init__(
        self,
        app: FastAPI,
        routes: Mapping[tuple[str, str], FastRoute],
        middleware: Callable[[ASGIApp], ASGIApp],
    ) -> None:
        declared = app.openapi()["paths"]
        for method, path in routes:
            if method.lower() not in declared.get(path, {}):
                raise ValueError(f"fast lane: expected the app to declare {method} {path}")
        self._app = app
        self._routes = {key: middleware(as_app(route)) for key, route in routes.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._app
        if scope["type"] == "http" and not scope["query_string"]:
            app = self._routes.get((scope["method"], scope["path"]), app)
        await app(scope, receive, send)


def as_app(route: FastRoute) -> ASGIApp:
    """The route alone, as an ASGI application."""

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        status, headers, body = await route(scope)
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
