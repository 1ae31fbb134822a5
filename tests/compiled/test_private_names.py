"""What is used of FastAPI although it is not public: where it moves, these tests say so first."""

from __future__ import annotations

import ast
import asyncio
import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fastapi.routing
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import solve_dependencies
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request

import service.compiled
from service.compiled import private

FOLDER = Path(service.compiled.__file__).parent
SEE = "see service/compiled/private.py"


class Item(BaseModel):
    a: int


def route(included: bool = False) -> Any:
    app, router = FastAPI(openapi_url=None), APIRouter()
    into = router if included else app

    @into.post("/{x}")
    async def endpoint(x: str, item: Item, first: str = Depends(lambda: "")) -> Item:
        return item

    app.include_router(router)
    (context,) = iter_route_contexts(app.routes)
    return context


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "app", "body_field", "dependant", "dependency_overrides_provider", "endpoint",
        "max_body_size", "methods", "original_route", "param_convertors", "path", "path_regex",
        "response_class", "response_field", "status_code", "_embed_body_fields",
        "response_model_include", "response_model_exclude", "response_model_by_alias",
        "response_model_exclude_unset", "response_model_exclude_defaults",
        "response_model_exclude_none",
    ],
)  # fmt: skip
def test_a_declared_route_has_what_is_read_of_it(name: str, included: bool) -> None:
    assert hasattr(route(included), name), f"FastAPI's route has no {name}; {SEE}"


def test_a_dependant_has_no_field_that_is_not_known() -> None:
    """A new one would be something that a compiled route does not do."""
    assert set(Dependant.__dataclass_fields__) == {
        "path_params", "query_params", "header_params", "cookie_params", "body_params",
        "dependencies", "name", "call", "request_param_name", "websocket_param_name",
        "http_connection_param_name", "response_param_name", "background_tasks_param_name",
        "security_scopes_param_name", "own_oauth_scopes", "parent_oauth_scopes", "use_cache",
        "path", "scope", "concurrency",
    }, "look at solve_dependencies, then at service/compiled/source.py"  # fmt: skip


def test_a_handler_of_requests_takes_nothing_that_is_not_known() -> None:
    assert set(inspect.signature(fastapi.routing.get_request_handler).parameters) == {
        "dependant", "body_field", "status_code", "response_class", "response_field",
        "response_model_include", "response_model_exclude", "response_model_by_alias",
        "response_model_exclude_unset", "response_model_exclude_defaults",
        "response_model_exclude_none", "dependency_overrides_provider", "embed_body_fields",
        "strict_content_type", "stream_item_field", "is_json_stream", "form_limits",
    }, "look at get_request_handler, then at service/compiled/source.py"  # fmt: skip


def test_what_serialises_and_solves_takes_what_it_is_given() -> None:
    serialising = set(inspect.signature(fastapi.routing.serialize_response).parameters)
    assert {"field", "response_content", "is_coroutine", "endpoint_ctx", "dump_json"} < serialising
    assert "dependency_overrides_provider" in inspect.signature(solve_dependencies).parameters


def test_a_field_has_its_validator_and_serialiser() -> None:
    for field in (route().body_field, route().response_field):
        adapter = field._type_adapter
        assert adapter.validator.validate_python({"a": 1}, from_attributes=True) == Item(a=1), SEE
        assert adapter.serializer.to_json(Item(a=1), by_alias=True) == b'{"a":1}', SEE


def test_a_request_keeps_its_body_where_it_is_put() -> None:
    async def unasked() -> Any:
        raise AssertionError(f"the body was not kept; {SEE}")

    made = private.with_body(Request({"type": "http", "headers": []}, unasked), b"[1]", [1])
    assert asyncio.run(made.body()) == b"[1]"
    assert asyncio.run(made.json()) == [1]

    async def stream() -> list[bytes]:
        return [chunk async for chunk in made.stream()]

    assert asyncio.run(stream()) == [b"[1]", b""]


def test_a_route_of_an_included_router_is_known_as_such() -> None:
    assert private.scope_of_included(route(included=False)) is None
    noted = private.scope_of_included(route(included=True))
    assert noted is not None, SEE
    assert noted["effective_route_context"].path == "/{x}", SEE


def test_added_routes_are_counted() -> None:
    router, inner = APIRouter(), APIRouter()
    router.include_router(inner)
    assert private.routers_within(router) == [inner]
    before = inner._routes_version
    inner.get("/")(lambda: None)
    assert inner._routes_version > before, SEE


def test_a_route_s_application_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert private.is_fastapis_own(route().app)
    assert private.is_fastapis_own(route(included=True).app)
    assert not private.is_fastapis_own(lambda: None)
    assert private.patched() is None
    monkeypatch.setattr(fastapi.routing, "serialize_response", lambda: None)
    assert private.patched() == "fastapi.routing.serialize_response"


def test_exceptions_are_handled_around_an_application_that_can_be_set() -> None:
    assert ExceptionMiddleware(FastAPI()).app is not None, SEE


def test_the_router_has_what_is_compared() -> None:
    app = FastAPI()
    assert app.router.middleware_stack == app.router.app, SEE
    assert isinstance(app.router.routes, list)
    for name in ("handle", "matches", "get_route_handler"):
        assert hasattr(APIRoute, name), SEE


TAKEN_ALONG = """
import sys
from fastapi import FastAPI
from fastapi.testclient import TestClient
from theirs import compile_routes

app = FastAPI()

@app.get("/{x}")
async def answer(x: int) -> int:
    return x + 1

compiled = compile_routes(app)
with TestClient(app) as client:
    assert client.get("/41").json() == 42
assert sum(route.answered for route in compiled.routes()) == 1
assert not [name for name in sys.modules if name.partition(".")[0] == "service"]
"""


def test_the_folder_can_be_taken_along_under_another_name(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "theirs")
    command = [sys.executable, "-c", TAKEN_ALONG]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)


def test_names_that_are_not_public_are_in_one_place() -> None:
    for file in FOLDER.glob("*.py"):
        if file.name == "private.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("fastapi", "starlette")
            ):
                names = [part for part in (node.module or "").split(".") if part[0] == "_"]
                names += [alias.name for alias in node.names if alias.name[0] == "_"]
                assert not names, f"{file.name} imports {names}"
