from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from tests.compiled.apps import dependencies
from tests.compiled.twins import Twins, get, post

Make = Callable[[Callable[[], FastAPI]], Twins]


def test_each_dependency_is_called_as_often_as_fastapi_calls_it(twins: Make) -> None:
    both = twins(dependencies)
    answer = both.same(get("/tree", b"q=x&skip=2"), compiled=True)
    assert [call for call in answer.calls if call[0] == "first"] == [("first", "x")]
    assert len([call for call in answer.calls if call[0] == "uncached"]) == 2
    assert answer.json["context"] == "set by a dependency"


def test_no_dependency_is_called_twice_where_another_one_s_input_is_wrong(twins: Make) -> None:
    answer = twins(dependencies).same(get("/tree", b"q=x&limit=many"), compiled=False)
    assert answer.status == 422
    assert [call for call in answer.calls if call[0] == "first"] == [("first", "x")]


@pytest.mark.parametrize(
    ("path", "headers", "status", "is_plain"),
    [
        ("/sets", {}, 200, True),
        ("/sets/own", {}, 200, True),
        ("/sets/plain", {}, 201, True),
        ("/guarded/read", {"x-token": "right"}, 200, True),
        ("/guarded/read", {"x-token": "wrong"}, 403, True),
        ("/guarded/read", {}, 403, True),
        ("/yields", {}, 200, False),
        ("/bearer", {"authorization": "Bearer abc"}, 200, True),
        ("/bearer", {"authorization": "Basic abc"}, 401, True),
        ("/bearer", {}, 401, True),
        ("/oauth2", {"authorization": "bearer abc"}, 200, True),
        ("/oauth2", {}, 401, True),
        ("/scopes", {}, 200, True),
    ],
)
def test_dependencies_of_every_kind(
    twins: Make, path: str, headers: dict[str, str], status: int, is_plain: bool
) -> None:
    raw = tuple((name.encode(), value.encode()) for name, value in headers.items())
    answer = twins(dependencies).same(get(path, headers=raw), compiled=is_plain)
    assert answer.status == status


def test_a_dependency_sets_the_status(twins: Make) -> None:
    assert twins(dependencies).same(get("/sets", b"teapot=1"), compiled=True).status == 418


def test_a_dependency_may_take_the_body(twins: Make) -> None:
    both = twins(dependencies)
    item = {"name": "a", "price": 1}
    assert both.same(post("/body", item), compiled=True).json[0] == "a"
    both.same(post("/body", {}), compiled=False)


def test_a_dependency_that_is_overridden_later_is(twins: Make) -> None:
    both = twins(dependencies)
    both.same(get("/bearer"), compiled=True)

    class Credentials:
        credentials = "overridden"

    def override(app: FastAPI) -> None:
        (route,) = (r for r in app.routes if getattr(r, "path", "") == "/bearer")
        for sub in route.dependant.dependencies:  # type: ignore[attr-defined]
            if sub.name == "token":
                app.dependency_overrides[sub.call] = Credentials

    for app in (both.plain, both.app):
        override(app)
    assert both.same(get("/bearer"), compiled=False).json == {"token": "overridden"}
    for app in (both.plain, both.app):
        app.dependency_overrides = {}
    assert both.same(get("/bearer"), compiled=True).status == 401


def test_the_reason_is_named(twins: Make) -> None:
    reasons: dict[str, Any] = twins(dependencies).reasons()
    assert reasons["/yields"] == "a dependency with yield: yields"
