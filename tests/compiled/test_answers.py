from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from tests.compiled.apps import answers
from tests.compiled.twins import Twins, get

Make = Callable[[Callable[[], FastAPI]], Twins]

PATHS = [
    route.path for route in answers().routes if not getattr(route, "path", "").startswith("/sync")
]
ONE_WRITE = {"/streams", "/streams-and-breaks", "/generated", "/then", "/then-breaks"}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/docs", "/redoc")])
@pytest.mark.parametrize("where", ["", "/sync"])
def test_what_an_endpoint_returns_is_answered_as_fastapi_does(
    twins: Make, path: str, where: str
) -> None:
    both = twins(answers)
    compiled = not both.reasons().get(path)
    answer = both.same(get(where + path), compiled=None if where else compiled)
    if compiled and path not in ONE_WRITE and not answer.error:
        assert answer.messages == 2


def test_nearly_all_of_them_are_compiled(twins: Make) -> None:
    reasons = {path: reason for path, reason in twins(answers).reasons().items() if reason}
    assert reasons == {
        "/openapi.json": "not a FastAPI route: Route",
        "/docs": "not a FastAPI route: Route",
        "/docs/oauth2-redirect": "not a FastAPI route: Route",
        "/redoc": "not a FastAPI route: Route",
        "/generated": "the endpoint streams",
    }


def test_a_request_that_an_endpoint_takes_is_as_fastapi_makes_it(twins: Make) -> None:
    asked = get("/seen", b"a=b", ((b"host", b"example.org"), (b"x", b"\xe9")))
    answer = twins(answers).same(asked, compiled=True)
    assert answer.json["state"] == "by the lifespan"


@pytest.mark.parametrize("path", ["/model", "/own", "/streams", "/text"])
@pytest.mark.parametrize("error", [OSError("sending"), ValueError("sending")])
def test_what_fails_while_sending_comes_out_of_the_app(
    twins: Make, path: str, error: Exception
) -> None:
    twins(answers).same(get(path, send_fails=error), compiled=True)
