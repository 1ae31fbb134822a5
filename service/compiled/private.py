"""The names of FastAPI and Starlette that are not public, all in one place.

tests/compiled/test_private_names.py says which has moved when one does.
"""

from __future__ import annotations

from typing import Any

import fastapi.routing
from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import (
    Dependant,
    _get_cache_key,
    _get_oauth_scopes,
    _is_async_gen_callable,
    _is_coroutine_callable,
    _is_gen_callable,
)
from fastapi.dependencies.utils import _get_param_aliases, _get_param_model, _is_json_field
from fastapi.routing import APIRouter, RouteContext, _extract_endpoint_context, _IncludedRouter
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import Response

__all__ = [
    "Dependant",
    "ModelField",
    "cache_key",
    "endpoint_context",
    "get_route_path",
    "is_coroutine_callable",
    "is_fastapis_own",
    "is_generator",
    "is_json_field",
    "is_list",
    "is_model_of_parameters",
    "oauth_scopes",
    "only_alias",
    "patched",
    "routers_within",
    "scope_of_included",
    "with_body",
]

is_coroutine_callable = _is_coroutine_callable
is_json_field = _is_json_field

# What instrumentation likes to replace: then it would no longer be called.
_REPLACEABLE = (
    "get_request_handler",
    "request_response",
    "run_endpoint_function",
    "serialize_response",
    "solve_dependencies",
    "run_in_threadpool",
)
_AS_IMPORTED = {name: getattr(fastapi.routing, name) for name in _REPLACEABLE}
_AS_SHIPPED = ("fastapi.", "starlette.")


def patched() -> str | None:
    """A function of FastAPI's routing that somebody replaced, before or after our import."""
    for name, imported in _AS_IMPORTED.items():
        function = getattr(fastapi.routing, name)
        if function is not imported or not function.__module__.startswith(_AS_SHIPPED):
            return f"fastapi.routing.{name}"
    return None


_APP = fastapi.routing.request_response(lambda _: Response()).__code__


def is_fastapis_own(app: Any) -> bool:
    """Whether a route's application is what FastAPI made. With a limit of the body it is not."""
    return getattr(app, "__code__", None) is _APP


def is_generator(dependant: Dependant) -> bool:
    return _is_gen_callable(dependant.call) or _is_async_gen_callable(dependant.call)


def cache_key(dependant: Dependant) -> Any:
    """Two dependencies with the same key are called once for a request."""
    return _get_cache_key(dependant=dependant)


def oauth_scopes(dependant: Dependant) -> list[str]:
    return _get_oauth_scopes(dependant=dependant)


def is_model_of_parameters(field: ModelField) -> bool:
    return _get_param_model(field) is not None


def is_list(field: ModelField) -> bool:
    return field_annotation_is_sequence(field.field_info.annotation)


def only_alias(field: ModelField) -> str | None:
    """The name in the request; None where there are several, or a path into the value."""
    aliases = _get_param_aliases(field)
    is_plain = isinstance(field.field_info.validation_alias, str | None)
    return aliases[0][1] if len(aliases) == 1 and is_plain else None


def with_body(request: Request, body: bytes, document: Any) -> Request:
    """As it is after FastAPI read the body and its JSON."""
    request._body = body
    request._json = document
    request._stream_consumed = True
    return request


def endpoint_context(call: Any, path: str | None, scope: Any) -> Any:
    """What FastAPI's validation errors say about where they come from."""
    context = _extract_endpoint_context(call)
    if path:
        context["path"] = f"{scope['method']} {scope.get('root_path', '').rstrip('/')}{path}"
    return context


def scope_of_included(context: RouteContext) -> dict[str, Any] | None:
    """What FastAPI notes in scope["fastapi"] for a route of an included router."""
    if context._route_context is None:
        return None
    return {"effective_route_context": context._route_context}


def routers_within(router: APIRouter) -> list[APIRouter]:
    """The routers that are included in it, at any depth. FastAPI looks at their _routes_version
    to see whether routes were added."""
    found: list[APIRouter] = []
    waiting = [router]
    while waiting:
        for route in waiting.pop().routes:
            if isinstance(route, _IncludedRouter) and route.original_router not in found:
                found.append(route.original_router)
                waiting.append(route.original_router)
    return found
