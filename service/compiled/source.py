"""From a declared route to the text of the function that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fastapi import params
from fastapi.routing import APIRoute, RouteContext
from fastapi.security import SecurityScopes
from starlette.concurrency import run_in_threadpool
from starlette.convertors import (
    FloatConvertor,
    IntegerConvertor,
    PathConvertor,
    StringConvertor,
    UUIDConvertor,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from . import private
from .additions import Additions
from .answers import Answering
from .checks import Checks
from .private import Dependant
from .text import Names, NotCompiled, indented

# One that somebody wrote is a function of the user's, which is not to be called twice.
_CONVERTORS = (FloatConvertor, IntegerConvertor, PathConvertor, StringConvertor, UUIDConvertor)


@dataclass
class Source:
    text: str
    names: Names
    """What the text refers to, beside `route`, `router`, `hand_on` and `carry`, for which see
    routes.py."""


def source(context: RouteContext) -> Source:
    """Of `async def answer(scope, receive, send, path_params)`. Raises: NotCompiled."""
    return _Writer(context).written()


class _Writer:
    """Three parts, in their order: nothing of the user's runs in the first, which hands on to
    FastAPI whatever is not plain; the second calls the user's functions, each as often as FastAPI
    would; the third makes the answer."""

    def __init__(self, context: RouteContext) -> None:
        _refuse_the_unusual(context)
        self._route = context
        self._additions = _additions_of(type(context.original_route))
        self._has_body = context.body_field is not None
        parse = self._additions.parse if self._has_body else None
        self._names = Names()
        self._checks = Checks(self._names, parse, context._embed_body_fields)
        self._calls: list[str] = []
        self._solved: dict[object, str] = {}
        self._needs_request = self._sets_response = False

    def written(self) -> Source:
        dependant: Dependant = self._route.dependant
        endpoint = self._call("endpoint", dependant, self._solve(dependant))
        answering = Answering(
            self._names, self._route, self._additions.headers, self._sets_response
        )
        seen = self._seen_by_handlers()
        body = [
            *self._checks.lines(self._from_body()),
            "route.answered += 1",
            *self._scope(),
            *([f"request = {self._request()}"] if self._needs_request else []),
            *(self._response() if self._sets_response else []),
            "sending = False",
            "try:",
            *indented([*self._calls, f"raw = {endpoint}", *answering.lines()]),
            "except Exception as error:",
            f"    await carry(scope, receive, send, {seen}, [error], sending)",
            "else:",
            f"    await carry(scope, receive, send, {seen}, [outcome], False)",
        ]
        lines = ["async def answer(scope, receive, send, path_params):", *indented(body)]
        return Source("\n".join(lines) + "\n", self._names)

    def _from_body(self) -> list[str]:
        """Where the endpoint has the attribute `from_body`: what it makes of a body by itself.

        Not where something is to be called that the endpoint does not ask for: it may let nobody
        through.
        """
        from_body = getattr(self._route.endpoint, "from_body", None)
        dependencies = self._route.dependant.dependencies
        if not from_body or not self._has_body or any(sub.name is None for sub in dependencies):
            return []
        self._names["from_body"] = from_body
        headers = [(b"content-type", b"application/json"), *self._additions.headers]
        shown = "".join(f", {pair!r}" for pair in headers)
        return [
            "try:",
            "    content = await from_body(scope, body)",
            "except Exception as error:",
            "    return await carry(scope, receive, send, None, [error], False)",
            "if content is not None:",
            "    route.answered += 1",
            *indented(self._scope()),
            '    await send({"type": "http.response.start", '
            f'"status": {self._route.status_code or 200}, '
            f'"headers": [(b"content-length", b"%d" % len(content)){shown}]}})',
            '    return await send({"type": "http.response.body", "body": content})',
        ]

    def _solve(self, dependant: Dependant) -> dict[str, str]:
        """By parameter, the expression of its value; as FastAPI's solve_dependencies does it."""
        if dependant.background_tasks_param_name:
            raise NotCompiled("background tasks")
        if dependant.websocket_param_name:
            raise NotCompiled("a parameter for WebSockets")
        values: dict[str, str] = {}
        for sub in dependant.dependencies:
            if private.is_generator(sub):
                raise NotCompiled(f"a dependency with yield: {_called(sub)}")
            if sub.concurrency is not None:
                raise NotCompiled(f"a dependency with a limit of concurrency: {_called(sub)}")
            arguments = self._solve(sub)
            key = private.cache_key(sub)
            known = self._solved.get(key) if sub.use_cache else None
            if known is None:
                known = self._names.variable()
                self._calls.append(f"{known} = {self._call(known, sub, arguments)}")
            self._solved.setdefault(key, known)
            if sub.name is not None:
                values[sub.name] = known
        checks = self._checks
        for field in dependant.path_params:
            values[field.name] = checks.path(field)
        for field in dependant.query_params:
            values[field.name] = checks.query(field)
        for field in dependant.header_params:
            values[field.name] = checks.header(field)
        for field in dependant.cookie_params:
            values[field.name] = checks.cookie(field)
        for field in dependant.body_params:
            values[field.name] = checks.body(field, len(dependant.body_params) == 1)
        for name in (dependant.http_connection_param_name, dependant.request_param_name):
            if name:
                self._needs_request = True
                values[name] = "request"
        if dependant.response_param_name:
            self._sets_response = True
            values[dependant.response_param_name] = "response"
        if dependant.security_scopes_param_name:
            made = self._names.add("SecurityScopes", SecurityScopes)
            scopes = private.oauth_scopes(dependant)
            values[dependant.security_scopes_param_name] = f"{made}(scopes={scopes!r})"
        return values

    def _call(self, name: str, dependant: Dependant, arguments: dict[str, str]) -> str:
        call = self._names.add(f"call_{name}", dependant.call)
        given = ", ".join(f"{parameter}={value}" for parameter, value in arguments.items())
        if private.is_coroutine_callable(dependant.call):
            return f"await {call}({given})"
        in_thread = self._names.add("run_in_threadpool", run_in_threadpool)
        if name == "endpoint":  # whose parameter, other than a dependency's, may be called `func`
            return f"await {in_thread}({self._names.add('partial', partial)}({call}, {given}))"
        return f"await {in_thread}({call}, {given})"

    def _scope(self) -> list[str]:
        """What Starlette's router notes, for endpoints and for middleware outside."""
        self._names["declared"] = self._route.original_route
        self._names["endpoint"] = self._route.endpoint
        lines = [
            'scope["endpoint"] = endpoint',
            'scope["path_params"] = path_params',
            'scope["route"] = declared',
            'if "router" not in scope:',
            '    scope["router"] = router',
        ]
        included = private.scope_of_included(self._route)
        if included:
            self._names["included"] = included
            lines += ['scope.setdefault("fastapi", {}).update(included)']
        return lines

    def _request(self) -> str:
        if self._additions.request is None:
            made = f"{self._names.add('Request', Request)}(scope, receive, send)"
        else:
            made = f"{self._names.add('make_request', self._additions.request)}(scope, receive)"
        if not self._has_body:
            return made
        return f"{self._names.add('with_body', private.with_body)}({made}, body, document)"

    def _response(self) -> list[str]:
        """As FastAPI makes the one whose status and headers are taken over."""
        return [
            f"response = {self._names.add('Response', Response)}()",
            'del response.headers["content-length"]',
            "response.status_code = None",
        ]

    def _seen_by_handlers(self) -> str:
        """The request, unless a class made it: its own handlers never see that one."""
        if self._additions.request is not None:
            return "None"
        if self._needs_request:
            return "request"
        return self._request() if self._has_body else "None"


def _refuse_the_unusual(context: RouteContext) -> None:
    dependant = context.dependant
    body_field = context.body_field
    if private.is_generator(dependant):
        raise NotCompiled("the endpoint streams")
    if context.max_body_size is not None:
        raise NotCompiled("a limit of its own for the body")
    if not private.is_fastapis_own(context.app):
        raise NotCompiled("its ASGI application was replaced, or wrapped")
    if body_field is not None and isinstance(body_field.field_info, params.Form):
        raise NotCompiled("a form")
    for name, convertor in context.param_convertors.items():
        if type(convertor) not in _CONVERTORS:
            raise NotCompiled(f"a path convertor that is not Starlette's: {name}")


def _additions_of(kind: type[BaseRoute]) -> Additions:
    """Raises: NotCompiled where the class does something that it does not state."""
    for name in ("handle", "matches"):
        if getattr(kind, name) is not getattr(APIRoute, name):
            raise NotCompiled(f"a route class with a {name} of its own: {kind.__name__}")
    overriding = next(base for base in kind.__mro__ if "get_route_handler" in vars(base))
    if overriding is APIRoute:
        return Additions()
    stated = vars(overriding).get("compiled")
    if not isinstance(stated, Additions):
        raise NotCompiled(f"a route class that says nothing of itself: {overriding.__name__}")
    return stated


def _called(dependant: Dependant) -> str:
    return getattr(dependant.call, "__name__", type(dependant.call).__name__)
