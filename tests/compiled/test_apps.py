"""How an app is put together: routers, mounts, middleware, classes, and what comes later.

Without `from __future__ import annotations`: types of a function's inside would not be found.
"""

import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Annotated, Any

import fastapi.routing
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Depends,
    FastAPI,
    File,
    Form,
    Query,
    Request,
    Response,
    WebSocket,
)
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import AliasChoices, BaseModel, Field
from starlette.routing import Host, Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.compiled import Additions, compile_routes
from tests.compiled.twins import JSON, Asked, Twins, exchange, get, post

Make = Callable[[Callable[[], FastAPI]], Twins]


def says(text: str) -> Callable[[], Awaitable[str]]:
    async def endpoint() -> str:
        return text

    return endpoint


def ordered() -> FastAPI:
    app = FastAPI()
    app.get("/users/me")(says("me"))

    @app.get("/users/{name}")
    async def user(name: str) -> str:
        return f"user {name}"

    app.get("/users/never")(says("behind the pattern"))
    app.api_route("/users/me", methods=["GET", "DELETE"])(says("deleted"))
    app.post("/users/never")(says("posted"))
    inner = APIRouter(prefix="/inner")
    inner.get("/a")(says("inner a"))
    inner.get("/{rest:path}")(says("inner rest"))
    outer = APIRouter(prefix="/outer")
    outer.include_router(inner, prefix="/deep")
    app.include_router(outer)
    app.include_router(inner)
    app.include_router(inner, prefix="/again", tags=["twice"])
    app.get("/inner/late")(says("behind a router's pattern"))
    app.mount("/mounted", PlainTextResponse("mounted"))
    app.get("/mounted/a")(says("behind the mount"))
    app.get("/before/{x}/y")(says("x/y"))
    app.get("/slashed/")(says("slashed"))
    app.api_route("/many", methods=["GET", "HEAD", "PUT"])(says("many"))
    return app


@pytest.mark.parametrize(
    ("path", "is_plain"),
    [
        ("/users/me", True),
        ("/users/you", True),
        ("/users/never", True),
        ("/users/me\n", False),
        ("/users/me/", False),
        ("/outer/deep/inner/a", True),
        ("/outer/deep/inner/b/c", True),
        ("/inner/a", True),
        ("/inner/late", True),
        ("/again/inner/a", True),
        ("/mounted", False),
        ("/mounted/a", False),
        ("/before/1/y", True),
        ("/slashed", False),
        ("/slashed/", True),
        ("/many", True),
        ("/docs", False),
        ("/openapi.json", False),
        ("/x", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "BREW"])
def test_the_route_that_fastapi_would_choose_answers(
    twins: Make, method: str, path: str, is_plain: bool
) -> None:
    compiled = is_plain if method == "GET" else None
    twins(ordered).same(Asked(method, path), compiled=compiled)


def test_a_route_that_never_answers_is_told(twins: Make) -> None:
    reasons = twins(ordered).reasons()
    assert reasons["/users/never"] == ""  # the last one of the path, which is posted to
    assert reasons["/users/me"] == ""  # GET is another route's, DELETE is not
    assert reasons["/mounted/a"] == "/mounted comes before it"
    assert reasons["/inner/late"] == "/inner/{rest:path} comes before it"


@pytest.mark.parametrize("root", ["/api", "/api/v1"])
@pytest.mark.parametrize(
    "path", ["/api/users/me", "/api", "/users/me", "/apiusers/me", "/api/many"]
)
def test_a_root_path_is_taken_off(twins: Make, root: str, path: str) -> None:
    twins(ordered).same(get(path, scope={"root_path": root}))


def with_root() -> FastAPI:
    app = FastAPI(root_path="/proxy")

    @app.get("/where")
    async def where(request: Request) -> str:
        return str(request.url_for("where"))

    return app


@pytest.mark.filterwarnings("ignore:The `root_path` parameter")
@pytest.mark.parametrize("path", ["/where", "/proxy/where"])
def test_an_app_s_own_root_path(twins: Make, path: str) -> None:
    twins(with_root).same(get(path), compiled=True)


def mounting() -> FastAPI:
    inside = ordered()
    compile_routes(inside)
    outside = FastAPI()
    outside.mount("/sub/{tenant}", inside)
    outside.mount("/plain", inside)
    outside.get("/own")(says("own"))

    @inside.get("/failing")
    async def failing(request: Request) -> str:
        raise RuntimeError(str(request.path_params))

    return outside


@pytest.mark.parametrize(
    "path", ["/plain/users/me", "/plain/users/a", "/sub/x/users/a", "/sub/x/failing", "/own"]
)
def test_a_compiled_app_can_be_mounted(twins: Make, path: str) -> None:
    # The inner one is compiled on both sides; the plain app inside of a plain one is the measure.
    def plain() -> FastAPI:
        outside = mounting()
        for route in outside.routes:
            if isinstance(route, Mount):
                route.app.user_middleware.clear()
        return outside

    one, other = twins(mounting), twins(plain)
    assert one.same(get(path)) == other.same(get(path))


def test_another_app_s_middleware_is_outside(twins: Make) -> None:
    class Named:
        """Changes what goes in and what comes out, and notes what the scope then says."""

        def __init__(self, app: ASGIApp, name: str) -> None:
            self.app, self.name = app, name

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["headers"] = [*scope["headers"], (b"x-seen", self.name.encode())]

            async def named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    seen = getattr(scope.get("route"), "path", "none").encode()
                    message["headers"] = [*message["headers"], (self.name.encode(), seen)]
                await send(message)

            await self.app(scope, receive, named)

    def make() -> FastAPI:
        app = FastAPI()
        app.add_middleware(Named, name="first")

        @app.get("/{x}")
        async def seen(x: int, request: Request) -> list[str]:
            return request.headers.getlist("x-seen")

        app.add_middleware(Named, name="second")
        return app

    both = twins(make)
    both.same(get("/x"), compiled=False)
    answer = both.same(get("/1"), compiled=True)
    assert answer.json == ["second", "first"]
    assert [name for name, _ in answer.headers[-2:]] == [b"first", b"second"]
    assert answer.headers[-1][1] == b"/{x}"


def test_middleware_added_after_compiling_is_outside_too() -> None:
    def refusing(app: ASGIApp) -> ASGIApp:
        async def refused(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("no", 403)(scope, receive, send)

        return refused

    app = ordered()
    compiled = compile_routes(app)
    app.add_middleware(refusing)
    assert TestClient(app).get("/users/me").status_code == 403
    assert sum(route.answered for route in compiled.routes()) == 0


def test_middleware_put_inside_by_hand_is_refused_at_start() -> None:
    app = ordered()
    compile_routes(app)
    app.add_middleware(lambda app: app)
    app.user_middleware.append(app.user_middleware.pop(0))
    app.user_middleware[-1] = type(app.user_middleware[-1])(lambda _: PlainTextResponse("x"))
    with pytest.raises(RuntimeError, match="innermost"), TestClient(app):
        pass


def test_routes_added_later_are_served_in_their_place(twins: Make) -> None:
    def make() -> FastAPI:
        app = FastAPI()
        app.state.router = router = APIRouter()
        router.get("/early")(says("early"))
        app.include_router(router)
        app.get("/late")(says("late"))
        app.get("/{x}")(says("pattern"))
        return app

    both = twins(make)
    for path in ("/early", "/late", "/other", "/new"):
        both.same(get(path), compiled=True)

    def add(app: FastAPI) -> None:
        app.state.router.get("/late")(says("from a router that comes before"))

    def put_first(app: FastAPI) -> None:
        app.get("/other")(says("put first"))
        app.router.routes.insert(0, app.router.routes.pop())

    def replace(app: FastAPI) -> None:
        app.router.routes[-1] = APIRoute("/{x}", says("replaced"))

    def remove(app: FastAPI) -> None:
        app.router.routes = [r for r in app.router.routes if getattr(r, "path", "") != "/{x}"]

    seen = []
    for change in (add, put_first, replace, remove):
        for app in (both.plain, both.app):
            change(app)
        seen.append([both.same(get(path)).body for path in ("/early", "/late", "/other", "/new")])
    assert seen[0][1] == b'"from a router that comes before"'
    assert seen[1][2] == b'"put first"'
    assert seen[2][3] == b'"replaced"'
    assert b"Not Found" in seen[3][3]


def test_routes_added_in_the_lifespan_are_served() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        app.get("/added")(says("added"))
        yield {"key": "value"}

    app = FastAPI(lifespan=lifespan)

    @app.get("/state")
    async def state(request: Request) -> str:
        return request.state.key

    compiled = compile_routes(app)
    with TestClient(app) as client:
        assert client.get("/added").json() == "added"
        assert client.get("/state").json() == "value"
    assert {r.path: r.answered for r in compiled.routes() if r.answered} == {
        "/added": 1, "/state": 1
    }  # fmt: skip


class Silent(APIRoute):
    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            response = await handle(request)
            response.headers["X-Silent"] = "yes"
            return response

        return handled


class OwnRequest(Request):
    async def json(self) -> Any:
        if b"refused" in await self.body():
            raise ValueError("refused")
        return await super().json()


def _parse(body: bytes) -> Any:
    if b"refused" in body:
        raise ValueError("refused")
    return Additions().parse(body)


class Stating(APIRoute):
    compiled = Additions(headers=[(b"x-stated", b"yes")], request=OwnRequest, parse=_parse)

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            response = await handle(OwnRequest(request.scope, request.receive))
            response.raw_headers.append((b"x-stated", b"yes"))
            return response

        return handled


class Below(Stating):
    """Says nothing of what it changes itself."""

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            response = await handle(request)
            response.status_code = 299
            return response

        return handled


class Inheriting(Stating):
    pass


class Handling(APIRoute):
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["handled"] = True
        await super().handle(scope, receive, send)


def classes() -> FastAPI:
    app = FastAPI()
    for kind in (Silent, Stating, Below, Inheriting, Handling):
        router = APIRouter(route_class=kind, prefix=f"/{kind.__name__}")

        @router.get("/get")
        async def got(request: Request) -> list[str]:
            return [type(request).__name__, (await request.body()).decode()]

        @router.post("/post")
        async def posted(value: dict[str, int], request: Request) -> Response:
            app.state.calls.append(type(request).__name__)
            return JSONResponse({"sum": sum(value.values()), "again": await request.json()})

        @router.get("/error")
        async def error() -> None:
            raise ZeroDivisionError

        @router.get("/plain")
        async def plain() -> dict[str, int]:
            return {"a": 1}

        app.include_router(router)
    return app


@pytest.mark.parametrize("kind", ["Silent", "Stating", "Below", "Inheriting", "Handling"])
def test_a_route_class_is_compiled_where_it_says_what_it_adds(twins: Make, kind: str) -> None:
    both = twins(classes)
    is_plain = kind in ("Stating", "Inheriting")
    both.same(get(f"/{kind}/get"), compiled=is_plain)
    both.same(get(f"/{kind}/plain"), compiled=is_plain)
    both.same(get(f"/{kind}/error"), compiled=is_plain)
    both.same(post(f"/{kind}/post", {"a": 1}), compiled=is_plain)
    both.same(post(f"/{kind}/post", b'{"refused": 1}'), compiled=False)
    both.same(post(f"/{kind}/post", {"a": "x"}), compiled=False)


def unusual() -> FastAPI:
    app = FastAPI()

    class Filter(BaseModel):
        a: int = 0

    async def yields() -> Any:
        yield 1

    @app.get("/yields", dependencies=[Depends(yields)])
    async def yielding() -> int:
        return 1

    @app.post("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(app.state.calls.append, "later")
        return "now"

    @app.get("/filter")
    async def filtered(filter: Annotated[Filter, Query()]) -> int:
        return filter.a

    @app.get("/choices")
    async def choices(a: Annotated[int, Query(validation_alias=AliasChoices("a", "b"))] = 0) -> int:
        return a

    @app.get("/factory")
    async def factory(a: Annotated[list[int], Query(default_factory=list)]) -> list[int]:
        return a

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    @app.post("/limited", response_model=None)
    async def limited(value: Annotated[Any, Body()]) -> Any:
        return value

    limits = APIRouter()
    limits.add_api_route("/small", limited, methods=["POST"], max_body_size=5)
    app.include_router(limits)
    app.router.routes.append(
        Host("other.example", Router([Route("/own", PlainTextResponse("host"))]))
    )
    app.get("/own")(says("behind a host"))
    return app


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (get("/yields"), "a dependency with yield: yields"),
        (post("/background", b""), "background tasks"),
        (get("/filter", b"a=3"), "a model of parameters: filter"),
        (get("/choices", b"b=3"), "a parameter with several aliases: a"),
        (get("/factory", b"a=3"), "a parameter with a factory of defaults: a"),
        (get("/factory"), "a parameter with a factory of defaults: a"),
        (post("/small", b"[1]"), "a limit of its own for the body"),
        (post("/small", b"[1,2,3]"), "a limit of its own for the body"),
        (get("/own", headers=((b"host", b"other.example"),)), " comes before it"),
        (get("/own"), " comes before it"),
    ],
)
def test_what_is_not_compiled_is_served_by_fastapi(twins: Make, asked: Asked, reason: str) -> None:
    both = twins(unusual)
    both.same(asked, compiled=False)
    assert both.reasons()[asked.path] == reason


def test_a_websocket_is_fastapi_s() -> None:
    app = unusual()
    compile_routes(app)
    with TestClient(app) as client, client.websocket_connect("/socket") as socket:
        assert socket.receive_text() == "hello"


def test_forms_are_fastapi_s(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = ModuleType("python_multipart")
    declared.__version__ = "0.0.20"  # type: ignore[attr-defined]  # enough to declare a form
    monkeypatch.setitem(sys.modules, "python_multipart", declared)
    app = FastAPI()

    @app.post("/form")
    async def form(a: Annotated[str, Form()]) -> str:
        return a

    @app.post("/file")
    async def file(a: Annotated[bytes, File()]) -> str:
        return str(len(a))

    reasons = {route.path: route.reason for route in compile_routes(app).routes()}
    assert reasons["/form"] == reasons["/file"] == "a form"


def test_a_route_whose_application_was_wrapped_is_fastapi_s() -> None:
    app = ordered()
    route = next(r for r in app.routes if getattr(r, "path", "") == "/users/me")
    seen = []
    inner = route.app  # type: ignore[attr-defined]

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await inner(scope, receive, send)

    route.app = wrapped  # type: ignore[attr-defined]
    compiled = compile_routes(app)
    with TestClient(app) as client:
        assert client.get("/users/me").json() == "me"
    assert seen == ["/users/me"]
    assert compiled.routes()[4].reason == "its ASGI application was replaced, or wrapped"


def test_where_fastapi_s_routing_was_patched_nothing_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = fastapi.routing.run_endpoint_function
    seen = []

    async def instrumented(**given: Any) -> Any:
        seen.append(given)
        return await original(**given)

    monkeypatch.setattr(fastapi.routing, "run_endpoint_function", instrumented)
    app = ordered()
    compile_routes(app)
    with TestClient(app) as client:
        assert client.get("/users/me").json() == "me"
    assert len(seen) == 1


def test_an_app_in_debug_mode_is_fastapi_s(twins: Make) -> None:
    def make() -> FastAPI:
        app = FastAPI(debug=True)

        @app.get("/breaks")
        async def breaks() -> None:
            raise ZeroDivisionError

        return app

    both = twins(make)
    assert b"fastapi/routing.py" in both.same(get("/breaks"), compiled=False).body


def test_a_request_that_fastapi_traces_is_fastapi_s(twins: Make) -> None:
    from fastapi.telemetry._api import _RequestTelemetry

    def traced() -> Asked:
        telemetry = _RequestTelemetry(span=None, span_method="GET")
        return get("/users/me", scope={"fastapi.telemetry": telemetry})

    twins(ordered).same(traced(), compiled=False)


def test_the_code_of_a_route_is_shown_in_tracebacks() -> None:
    import traceback

    app = FastAPI()

    @app.get("/breaks")
    async def breaks() -> None:
        raise ZeroDivisionError

    compile_routes(app)
    with TestClient(app) as client, pytest.raises(ZeroDivisionError) as raised:
        client.get("/breaks")
    shown = "".join(traceback.format_exception(raised.value))
    assert "await call_endpoint()" in shown


def test_a_request_leaves_nothing_to_the_collector(twins: Make) -> None:
    import asyncio
    import gc

    class Item(BaseModel):
        a: int
        b: list[int] = Field([])

    class Known(Exception):
        pass

    def make() -> FastAPI:
        app = FastAPI()

        @app.post("/item/{x}")
        async def item(x: int, item: Item, request: Request, q: str = "") -> Item:
            if q:
                raise Known(q)
            return item

        @app.exception_handler(Known)
        async def known(request: Request, error: Known) -> Response:
            return Response(str(error), 400)

        return app

    both = twins(make)

    async def leftovers(query: bytes) -> int:
        for _ in range(3):  # the first ones fill caches
            gc.collect()
            await exchange(both.app, post("/item/1", {"a": 1}, query, JSON))
        return gc.collect()

    gc.disable()
    try:
        assert asyncio.run(leftovers(b"")) == 0
        assert asyncio.run(leftovers(b"q=failed")) == 0
    finally:
        gc.enable()
