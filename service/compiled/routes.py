"""The declared routes of a FastAPI app, compiled, where its router would be asked."""

from __future__ import annotations

import copy
import linecache
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from re import Pattern
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter, iter_route_contexts, request_response
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import private
from .source import source
from .text import NotCompiled

Answer = Callable[[Scope, Receive, Send, dict[str, Any]], Awaitable[None]]


@dataclass(eq=False)
class CompiledRoute:
    """One route of the app, for all its methods."""

    methods: frozenset[str]  # none: every one
    path: str
    reason: str = ""
    """Why FastAPI answers it; empty where it is compiled."""
    text: str = ""
    """The source of the function that answers it."""
    answered: int = 0
    """Requests that did not need FastAPI."""
    answer: Answer | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Entry:
    """One route in the app's order."""

    regex: Pattern[str] | None  # None: nobody but the route knows what it matches
    convertors: dict[str, Any]
    route: CompiledRoute

    def matches(self, path: str) -> bool:
        return self.regex is None or self.regex.match(path) is not None


def compile_routes(app: FastAPI) -> CompiledRoutes:
    """To be called once, before the app serves. Routes may be added before and after."""
    return CompiledRoutes(app)


class CompiledRoutes:
    """Innermost of the app's middleware: inside of what the user added, around FastAPI's own."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._compiled: list[CompiledRoute] = []
        self._static: dict[str, dict[str, CompiledRoute]] = {}
        self._dynamic: dict[str, list[_Entry]] = {}
        self._is_as_compiled: Callable[[], bool] = lambda: False
        self._hand_on: ASGIApp = app.router  # until the app's middleware is put together
        # The last one is the innermost, and add_middleware puts others before it.
        app.user_middleware.append(Middleware(self._inside))

    def routes(self) -> list[CompiledRoute]:
        """Every HTTP route in the app's order, with what became of it."""
        if not self._is_as_compiled():
            self._compile()
        return self._compiled

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            found = self._find(scope)
            if found is not None:
                answer, path_params = found
                return answer(scope, receive, send, path_params)
        return self._hand_on(scope, receive, send)

    def _inside(self, app: ASGIApp) -> ASGIApp:
        if not isinstance(app, ExceptionMiddleware):
            raise RuntimeError(
                "compiled routes: expected to be the innermost middleware, found "
                f"{type(app).__name__} inside; add it by app.add_middleware"
            )
        self._exceptions = app
        self._hand_on = app
        self._compile()
        return self

    def _find(self, scope: Scope) -> tuple[Answer, dict[str, Any]] | None:
        if (
            self._app.dependency_overrides
            or "fastapi.telemetry" in scope
            or scope.get("path_params")  # of an app that this one is mounted in
        ):
            return None
        if not self._is_as_compiled():
            self._compile()
        path = private.get_route_path(scope) if scope.get("root_path") else scope["path"]
        method = scope["method"]
        try:
            route = self._static[method][path]
        except KeyError:
            return self._find_dynamic(method, path)
        return (route.answer, {}) if route.answer is not None else None

    def _find_dynamic(self, method: str, path: str) -> tuple[Answer, dict[str, Any]] | None:
        for entry in self._dynamic.get(method, ()):
            if entry.regex is None:
                return None
            match = entry.regex.match(path)
            if match is None:
                continue
            # A regular expression's end is before a last line feed, too.
            if entry.route.answer is None or path.endswith("\n"):
                return None
            values = match.groupdict()
            try:
                for name, convertor in entry.convertors.items():
                    values[name] = convertor.convert(values[name])
            except ValueError:  # too many digits
                return None
            return entry.route.answer, values
        return None

    async def _carry(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        seen: Request | None,
        outcome: list[Response | Exception],
        is_sending: bool,
    ) -> None:
        """Through the machinery that FastAPI has around a route, with what came out of it.

        seen: the request, with what was read of it, for the exception handlers.
        outcome: the only one, which is taken: an exception must not be held by its own traceback.
        is_sending: the exception came from `send`; the response may have begun.
        """

        async def result(request: Request) -> Response:
            if seen is not None:
                vars(request).update(vars(seen))
            found = outcome.pop()
            if isinstance(found, Response):
                return found
            raise found

        async def failing(_: Message) -> None:
            found = outcome.pop()
            assert isinstance(found, Exception)
            raise found

        async def response(_: Request) -> Response:
            return Response()

        around = copy.copy(self._exceptions)
        if is_sending:
            around.app = request_response(response)
            await around(scope, receive, failing)
        else:
            around.app = request_response(result)
            await around(scope, receive, send)

    # At start-up, and when routes were added.

    def _compile(self) -> None:
        router = self._app.router
        reason = self._reason_for_none()
        entries = []
        for context in iter_route_contexts(router.routes):
            original = context.original_route
            if isinstance(original, WebSocketRoute):
                continue
            route = CompiledRoute(frozenset(context.methods or ()), context.path or "", reason)
            regex: Pattern[str] | None = None
            convertors: dict[str, Any] = {}
            if isinstance(original, APIRoute | Route | Mount):
                regex, convertors = context.path_regex, context.param_convertors
            if isinstance(original, APIRoute):
                if not reason:
                    self._compile_one(route, context)
            else:
                route.reason = f"not a FastAPI route: {type(original).__name__}"
            entries.append(_Entry(regex, convertors, route))
        self._order(entries)
        self._compiled = [entry.route for entry in entries]
        self._is_as_compiled = _unchanged(router)

    def _reason_for_none(self) -> str:
        """What forbids that any route is compiled."""
        router = self._app.router
        if self._app.debug:
            return "the app is in debug mode, which shows FastAPI's own lines"
        if replaced := private.patched():
            return f"{replaced} was replaced"
        for name in ("app", "handle", "matches", "__call__"):
            if getattr(type(router), name) is not getattr(APIRouter, name):
                return f"the app's router has a {name} of its own"
        if router.middleware_stack != router.app:
            return "the app's router has middleware"
        return ""

    def _compile_one(self, route: CompiledRoute, context: Any) -> None:
        try:
            if context.dependency_overrides_provider not in (None, self._app):
                raise NotCompiled("dependency_overrides of another app")
            made = source(context)
        except NotCompiled as reason:
            route.reason = str(reason)
            return
        except Exception as error:  # what this was not made for is for FastAPI
            route.reason = f"{type(error).__name__}: {error}"
            return
        # Tracebacks show these lines.
        file = f"<compiled {' '.join(sorted(route.methods))} {route.path} {id(route)}>"
        linecache.cache[file] = (len(made.text), None, made.text.splitlines(True), file)
        names: dict[str, Any] = made.names | {
            "route": route,
            "router": self._app.router,
            "hand_on": self._hand_on,
            "carry": self._carry,
        }
        # The text is made of names and of literals by repr() alone.
        exec(compile(made.text, file, "exec"), names)  # noqa: S102
        route.text, route.answer = made.text, names["answer"]

    def _order(self, entries: list[_Entry]) -> None:
        """A path without parameters is looked up, all others are tried in the app's order."""
        self._static, self._dynamic = {}, {}
        hidden: dict[CompiledRoute, str] = {}
        for method in {method for entry in entries for method in entry.route.methods}:
            static = self._static[method] = {}
            dynamic = self._dynamic[method] = []
            for entry in entries:
                route = entry.route
                if route.methods and method not in route.methods:
                    continue
                if entry.regex is None or entry.convertors:
                    dynamic.append(entry)
                    continue
                earlier = (e.route for e in dynamic if e.matches(route.path))
                first = static.get(route.path) or next(earlier, route)
                if first is route:
                    static[route.path] = route
                elif not route.reason:
                    hidden[route] = f"{first.path} comes before it"
        for route, reason in hidden.items():
            if not any(self._static[method].get(route.path) is route for method in route.methods):
                route.reason = reason


def _unchanged(router: APIRouter) -> Callable[[], bool]:
    """Whether there are the routes that there are now: as FastAPI sees it, which looks at its own
    router's list, and at a number in those that are included."""
    routes = list(router.routes)
    versions = [(within, within._routes_version) for within in private.routers_within(router)]

    def unchanged() -> bool:
        if router.routes != routes:
            return False
        # A generator for all() would cost as much as what it looks at.
        for within, version in versions:  # noqa: SIM110
            if within._routes_version != version:
                return False
        return True

    return unchanged
