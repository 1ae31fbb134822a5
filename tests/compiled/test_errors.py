from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from tests.compiled.apps import errors
from tests.compiled.twins import Twins, get, post

Make = Callable[[Callable[[], FastAPI]], Twins]

KINDS = ["none", "http", "conflict", "own", "unhandled", "zero", "key", "value", "runtime"]
ITEM = {"name": "a", "price": 1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["raises", "sync", "depends"])
def test_what_an_endpoint_raises_is_handled_by_fastapi_and_it_is_called_once(
    twins: Make, where: str, kind: str
) -> None:
    both = twins(errors)
    for _ in range(2):
        answer = both.same(get(f"/{where}/{kind}"), compiled=True)
        assert answer.calls.count(f"raises {kind}") == 1
        assert ("endpoint" in answer.calls) is (where == "depends" and kind == "none")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["posted", "read"])
def test_a_handler_can_read_the_body(twins: Make, where: str, kind: str) -> None:
    answer = twins(errors).same(post(f"/{where}/{kind}", ITEM), compiled=True)
    assert answer.calls.count(f"raises {kind}") == 1
    if kind == "own":
        assert answer.status == 418
        assert answer.json["body"]


def test_a_handler_for_everything_is_asked(twins: Make) -> None:
    def make() -> FastAPI:
        app = errors()

        @app.exception_handler(Exception)
        async def everything(request: object, error: Exception) -> object:
            from fastapi.responses import PlainTextResponse

            app.state.calls.append("everything")
            return PlainTextResponse(repr(error), 500)

        return app

    answer = twins(make).same(get("/raises/unhandled"), compiled=True)
    assert answer.calls[-1] == "everything"


def test_invalid_input_has_the_app_s_own_handler(twins: Make) -> None:
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse

    def make() -> FastAPI:
        app = errors()

        @app.exception_handler(RequestValidationError)
        async def invalid(request: object, error: RequestValidationError) -> JSONResponse:
            return JSONResponse({"mine": str(error), "body": repr(error.body)}, 400)

        return app

    assert twins(make).same(post("/posted/x", {"name": 1}), compiled=False).status == 400
