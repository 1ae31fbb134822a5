"""Errors over HTTP: RFC 9457 problem documents with a stable `code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from service.errors import CODES, ServiceError, shown


class FieldProblem(BaseModel):
    field: str = Field(examples=["cutoff"])
    message: str = Field(examples=["cutoff: expected 0 to 1, got 1.5"])


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `detail` is for people."""

    type: str = "about:blank"
    title: str = Field(examples=["The input is not valid"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["cutoff: expected 0 to 1, got 1.5"])
    code: str = Field(examples=["invalid_argument"])
    request_id: str = Field(examples=["f692136b3add4444a2be98ce164c4834"])
    errors: list[FieldProblem] = []


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer, for its part of the OpenAPI document."""
    return {status: {"model": Problem, "description": "see `openapi`"} for status in statuses}


RESPONSES = responses(400, 403, 413, 415, 422, 503, 504)
"""For routes that take a body and call an engine."""


def problem_response(error: ServiceError, request_id: str) -> JSONResponse:
    kind = error.kind
    problem = Problem(
        title=kind.title,
        status=kind.status,
        detail=error.message,
        code=error.code,
        request_id=request_id,
        errors=[FieldProblem(**field) for field in error.fields],
    )
    headers = {"Retry-After": str(kind.retry_after_s)} if kind.retry_after_s else None
    return JSONResponse(
        problem.model_dump(exclude_defaults=True) | {"type": problem.type},
        status_code=kind.status,
        headers=headers,
        media_type="application/problem+json",
    )


def too_many_fields(most: int) -> ServiceError:
    return ServiceError("head_too_large", f"fields: expected at most {most}, got more")


def full() -> ServiceError:
    """For what is refused before it is looked at; see `shed` in service/app.py."""
    return ServiceError("overloaded", "the service is at its limit; retry later")


def install(app: FastAPI) -> None:
    """ServiceErrors need no handler: the outermost layer answers them."""

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "missing" and first["loc"] == ("body",):
            empty = ServiceError("malformed_json", "body: expected JSON, got nothing")
            return problem_response(empty, request.state.info.request_id)
        return problem_response(from_validation(error.errors()), request.state.info.request_id)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        by_status = {kind.status: code for code, kind in reversed(CODES.items())}
        code = by_status.get(error.status_code, "bad_request")
        if code == "malformed_json" and request.method in ("GET", "HEAD"):
            code = "bad_request"
        response = problem_response(
            ServiceError(code, str(error.detail)), request.state.info.request_id
        )
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["Allow"] = _allowed(request)
        return response


def _allowed(request: Request) -> str:
    """The methods of every route on this path; Starlette names those of the first."""
    path = request.scope["path"]
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path and compile_path(route.path)[0].match(path):
            methods |= set(route.methods or ())
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


_TYPES = {
    "list_type": "a list",
    "string_type": "a string",
    "float_type": "a number",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "uuid_parsing": "a UUID",
    "bool_type": "true or false",
    "dict_type": "an object",
    "model_attributes_type": "an object",
    "model_type": "an object",
}


def from_validation(errors: Sequence[Mapping[str, Any]]) -> ServiceError:
    """The one wording of Pydantic's errors: field, what was expected, what came."""
    if errors[0]["type"] == "json_invalid":
        reason, byte = errors[0]["ctx"]["error"], errors[0]["loc"][-1]
        return ServiceError(
            "malformed_json", f"body: expected JSON, got text that is not: {reason} (at {byte})"
        )
    if isinstance(errors[0].get("input"), bytes):  # FastAPI does not parse other types
        return ServiceError("unsupported_media_type", "Content-Type: expected application/json")
    fields = tuple({"field": _field(error), "message": _message(error)} for error in errors[:20])
    detail = "; ".join(field["message"] for field in fields[:3])
    return ServiceError("invalid_argument", detail, fields)


def _field(error: Mapping[str, Any]) -> str:
    parts = [part for part in error["loc"] if part not in ("body", "query", "path", "header")]
    name = ""
    for part in parts:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    printable = ascii(name)[1:-1]
    return (printable if len(printable) <= 80 else f"{printable[:80]}…") or "body"


def _message(error: Mapping[str, Any]) -> str:
    field, kind, context = _field(error), error["type"], error.get("ctx", {})
    came = error.get("input")
    if kind == "missing":
        return f"{field}: required, but missing"
    if kind == "extra_forbidden":
        return f"{field}: expected no such field"
    if kind == "string_unicode":
        return f"{field}: expected Unicode text, got a lone surrogate in {shown(came)}"
    if kind in ("string_too_long", "string_too_short", "too_long", "too_short"):
        unit = "characters" if kind.startswith("string") else "items"
        bound = (
            f"at most {context['max_length']}"
            if kind.endswith("long")
            else f"at least {context['min_length']}"
        )
        count = len(came) if isinstance(came, str | list) else context.get("actual_length")
        return f"{field}: expected {bound} {unit}, got {count}"
    if kind == "value_error":  # a check of ours, worded by it
        return str(context["error"]) if field == "body" else f"{field}: {context['error']}"
    expected = _TYPES.get(kind) or context.get("expected")
    expected = expected or error["msg"].removeprefix("Input should be ")
    return f"{field}: expected {expected}, got {shown(came)}"
