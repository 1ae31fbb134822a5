"""One reading of a request's head: what can be read in two ways is refused, ahead of any route."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from service.errors import ServiceError, shown

SINGLE_FIELDS = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"idempotency-key",
        b"x-engine",
        b"x-request-id",
    }
)
"""The header fields that decide something. Of two of them one reader takes the first, another one
the last: a proxy in front would have checked what we don't use."""

_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+").fullmatch
_PLAIN_QUERY = re.compile(rb"[A-Za-z0-9._~-]+=[A-Za-z0-9._~-]*").fullmatch  # a single parameter
_ENCODED = re.compile(rb"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*").fullmatch


def check_target(scope: Scope) -> None:
    """Raises: ServiceError bad_request, or not_found for a path that names nothing anywhere: an
    encoded slash is part of a name, and dots are not gone after."""
    path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
    is_plain = _PLAIN_PATH(path)
    segments = [] if is_plain else [_decoded("path", segment) for segment in path.split(b"/")]
    if query and not _PLAIN_QUERY(query):
        _check_query(query, scope.get("app"))
    if not is_plain:
        if any(segment in (".", "..") or "/" in segment for segment in segments):
            raise ServiceError("not_found", f"path: there is no {shown(path.decode())}")
        if scope["path"].endswith("\n"):
            # To the expressions that Starlette compiles a path ends ahead of one line feed, too.
            scope["path"] += "\n"


def _check_query(query: bytes, app: Any) -> None:
    seen: set[str] = set()
    for pair in query.split(b"&"):
        _decoded("query", pair)
        name = _decoded("query", pair.partition(b"=")[0].replace(b"+", b"%20"))
        if pair and name in seen and not _is_list(name, app):
            raise ServiceError(
                "bad_request", f"query: expected {shown(name)} once, got it twice or more"
            )
        seen.add(name)


def twice(name: bytes) -> ServiceError:
    return ServiceError(
        "bad_request", f"{name.decode().title()}: expected one such field, got two or more"
    )


def _decoded(where: str, text: bytes) -> str:
    if _ENCODED(text):
        try:
            return unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            pass
    raise ServiceError(
        "bad_request",
        f"{where}: expected visible ASCII, and percent-encoded UTF-8 for the rest, "
        f"got {shown(text.decode('latin-1'))}",
    )


def _is_list(name: str, app: Any) -> bool:
    """Whether a route declares the parameter as a list. Looked up when one is given twice."""
    operations: Iterable[Any] = (
        operation for path in app.openapi()["paths"].values() for operation in path.values()
    )
    return any(
        parameter["in"] == "query" and parameter["name"] == name and "items" in _shapes(parameter)
        for operation in operations
        for parameter in operation.get("parameters", ())
    )


def _shapes(parameter: Any) -> set[str]:
    schema = parameter["schema"]
    return {key for shape in (schema, *schema.get("anyOf", ())) for key in shape}
