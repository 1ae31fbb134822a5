"""The OpenAPI document, where FastAPI's own is not exact enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse

from service.errors import CODES, Code

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def install(app: FastAPI, engine_names: Sequence[str], errors: Sequence[Code]) -> None:
    """Problems get their own media type and a description, and X-Engine its choices.

    errors: the domain's codes.
    """
    titles: dict[str, list[str]] = {}
    for code in (*CODES.values(), *errors):
        titles.setdefault(str(code.status), []).append(code.title)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = FastAPI.openapi(app)
            for path in schema["paths"].values():
                for operation in path.values():
                    _correct(operation, engine_names, titles)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change it


def serve_docs(app: FastAPI) -> None:
    """/docs without a CDN: Swagger UI comes from a wheel. For apps without FastAPI's own."""
    files = StaticFiles(packages=[("fastapi_swagger", "resources")])
    app.mount("/docs/static", files, name="docs-static")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}/docs/static/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/static/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/static/favicon-32x32.png",
        )


def _correct(
    operation: dict[str, Any], engine_names: Sequence[str], titles: Mapping[str, Sequence[str]]
) -> None:
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if content.get("application/json", {}).get("schema") == _PROBLEM:
            content["application/problem+json"] = content.pop("application/json")
            response["description"] = "; ".join(titles[status])
    for parameter in operation.get("parameters", []):
        if parameter["name"].lower() == "x-engine":
            parameter["schema"] = {"type": "string", "enum": list(engine_names)}
