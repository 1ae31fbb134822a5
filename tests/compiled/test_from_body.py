"""An endpoint's `from_body`: asked ahead of models, never ahead of what lets a request through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.compiled import Additions
from tests.compiled.twins import Twins, post


class Numbers(BaseModel):
    numbers: list[int]


class Total(BaseModel):
    total: int


class RefusedError(Exception):
    pass


async def quick(scope: Any, body: bytes) -> bytes | None:
    scope["app"].state.calls.append("quick")
    numbers = json.loads(body)["numbers"]
    if 13 in numbers:
        raise RefusedError
    return b'{"total":%d}' % sum(numbers) if all(type(n) is int for n in numbers) else None


def noting(request: Request) -> str:
    request.app.state.calls.append("dependency")
    return "noted"


class Named(APIRoute):
    compiled = Additions(headers=[(b"x-named", b"yes")])

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()

        async def named(request: Request) -> Any:
            response = await handle(request)
            response.headers["x-named"] = "yes"
            return response

        return named


def app() -> FastAPI:
    made = FastAPI()
    made.state.calls = []

    @made.exception_handler(RefusedError)
    async def refused(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("refused", 418)

    async def total(numbers: Numbers, noted: Annotated[str, Depends(noting)]) -> Total:
        assert noted == "noted"
        made.state.calls.append("endpoint")
        return Total(total=sum(numbers.numbers))

    total.from_body = quick  # type: ignore[attr-defined]
    made.post("/total", status_code=201)(total)
    made.post("/guarded", dependencies=[Depends(noting)])(total)
    router = APIRouter(dependencies=[Depends(noting)])
    router.post("/of-router")(total)
    made.include_router(router)
    named = APIRouter(route_class=Named)
    named.post("/named")(total)
    made.include_router(named)
    return made


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    made = Twins(app)
    yield made
    made.close()


def test_it_answers_in_place_of_models_and_dependencies(twins: Twins) -> None:
    answer, compiled = twins.ask(post("/total", {"numbers": [1, 2]}))
    assert (answer.status, answer.body, answer.calls, compiled) == (
        201,
        b'{"total":3}',
        ["quick"],
        True,
    )
    assert dict(answer.headers) == {b"content-length": b"11", b"content-type": b"application/json"}


def test_what_it_does_not_answer_goes_on_as_ever(twins: Twins) -> None:
    answer, compiled = twins.ask(post("/total", {"numbers": ["1", 2]}))
    assert (answer.body, answer.calls, compiled) == (
        b'{"total":3}',
        ["quick", "dependency", "endpoint"],
        True,
    )


def test_what_it_raises_is_handled_as_of_an_endpoint(twins: Twins) -> None:
    answer, _ = twins.ask(post("/total", {"numbers": [13]}))
    assert (answer.status, answer.body, answer.calls) == (418, b"refused", ["quick"])


@pytest.mark.parametrize("path", ["/guarded", "/of-router"])
def test_it_is_not_asked_ahead_of_what_lets_a_request_through(twins: Twins, path: str) -> None:
    answer, compiled = twins.ask(post(path, {"numbers": [1, 2]}))
    assert "quick" not in answer.calls
    assert answer.calls[-1] == "endpoint"
    assert compiled


def test_what_the_route_class_adds_is_there(twins: Twins) -> None:
    answer, _ = twins.ask(post("/named", {"numbers": [1]}))
    assert answer.calls == ["quick"]
    assert (b"x-named", b"yes") in answer.headers
