"""The OpenAPI document, where FastAPI's own is not exact enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def install(app: FastAPI, engine_names: Sequence[str]) -> None:
    """Problems get their own media type, and X-Engine its choices."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = FastAPI.openapi(app)
            for path in schema["paths"].values():
                for operation in path.values():
                    _correct(operation, engine_names)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change it


def _correct(operation: dict[str, Any], engine_names: Sequence[str]) -> None:
    for response in operation["responses"].values():
        content = response.get("content", {})
        if content.get("application/json", {}).get("schema") == _PROBLEM:
            content["application/problem+json"] = content.pop("application/json")
    for parameter in operation.get("parameters", []):
        if parameter["name"].lower() == "x-engine":
            parameter["schema"] = {"type": "string", "enum": list(engine_names)}
