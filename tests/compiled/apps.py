"""Small apps in the spirit of FastAPI's own documentation. Their functions note in
app.state.calls that they were called.

Without `from __future__ import annotations`: types of a function's inside would not be found.
"""

import contextvars
import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import (
    APIRouter,
    Body,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Path,
    Query,
    Request,
    Response,
    Security,
    status,
)
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.security import HTTPBearer, OAuth2PasswordBearer, SecurityScopes
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    computed_field,
    field_validator,
)
from starlette.background import BackgroundTask


class Color(StrEnum):
    red = "red"
    blue = "blue"


class Item(BaseModel):
    name: str
    price: float = Field(gt=0)
    tax: float | None = None
    tags: list[str] = []
    color: Color = Color.red


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Everything(BaseModel):
    """Where a parser of JSON and one of Python objects could differ."""

    model_config = ConfigDict(extra="allow", val_json_bytes="base64")

    whole: int = 0
    real: float = 0
    text: str = ""
    raw: bytes = b""
    exact: Decimal = Decimal(0)
    flag: bool = False
    moment: dt.datetime | None = None
    day: dt.date | None = None
    span: dt.timedelta | None = None
    id: uuid.UUID | None = None
    pair: tuple[int, str] | None = None
    distinct: set[int] = set()
    by_number: dict[int, float] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    either: int | str | list[int] | None = None
    anything: Any = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    id: uuid.UUID | None = None
    moment: dt.datetime | None = None
    count: int = 0
    share: float = 0
    name: str = Field("", max_length=5)
    pair: tuple[int, int] | None = None


class Validated(BaseModel):
    text: Annotated[str, AfterValidator(lambda text: text.strip())]
    shown: Annotated[str, BeforeValidator(repr)] = ""
    mode: str = ""

    @field_validator("mode", mode="before")
    @classmethod
    def _mode(cls, _: object, info: ValidationInfo) -> str:
        return f"validated as {info.mode}"

    @field_validator("text")
    @classmethod
    def _no_bad(cls, text: str) -> str:
        if text == "bad":
            raise ValueError("bad text")
        if text == "worse":
            raise KeyError("no ValueError")
        return text


def bodies() -> FastAPI:
    app = FastAPI()

    @app.post("/items")
    async def item(item: Item) -> Item:
        app.state.calls.append(item)
        return item

    @app.post("/everything")
    async def everything(thing: Everything) -> dict[str, Any]:
        return {"seen": repr(thing), "extra": repr(thing.model_extra)}

    @app.post("/strict")
    async def strict(thing: Strict) -> dict[str, Any]:
        return {"seen": repr(thing)}

    @app.post("/validated")
    async def validated(thing: Validated) -> Validated:
        return thing

    @app.post("/embedded")
    async def embedded(item: Annotated[Item, Body(embed=True)]) -> Item:
        return item

    @app.post("/two")
    async def two(
        item: Item, count: Annotated[int, Body()], note: Annotated[str, Body()] = "-"
    ) -> Any:
        return {"item": item, "count": count, "note": note}

    @app.post("/list")
    async def listed(items: list[Item]) -> list[Item]:
        return items

    @app.post("/number")
    async def number(number: Annotated[float, Body()]) -> float:
        return number

    @app.post("/optional")
    async def optional(item: Item | None = None) -> Item | None:
        return item

    @app.post("/any")
    async def any_(anything: Annotated[Any, Body()]) -> Any:
        return {"seen": repr(anything)}

    @app.post("/pet")
    async def pet(pet: Annotated[Cat | Dog, Body(discriminator="kind")]) -> Cat | Dog:
        return pet

    @app.post("/aliased")
    async def aliased(number: Annotated[int, Body(embed=True, alias="the-number")]) -> int:
        return number

    @app.put("/items/{item_id}")
    async def update(item_id: int, item: Item, q: str | None = None) -> dict[str, Any]:
        return {"item_id": item_id, **item.model_dump(), "q": q}

    @app.post("/raw")
    async def raw(request: Request, item: Item) -> dict[str, Any]:
        body = await request.body()
        return {"bytes": len(body), "json": await request.json(), "name": item.name}

    @app.post("/unread")
    async def unread(request: Request) -> dict[str, Any]:
        return {"bytes": len(await request.body())}

    @app.post("/sync")
    def sync(item: Item) -> Item:
        app.state.calls.append("sync")
        return item

    return app


def of_header(x_token: Annotated[str | None, Header()] = None) -> str | None:
    return x_token


def parameters() -> FastAPI:
    app = FastAPI()

    @app.get("/paths/{text}/{number}")
    async def paths(text: str, number: Annotated[int, Path(ge=0)]) -> dict[str, Any]:
        return {"text": text, "number": number}

    @app.get("/converted/{number:int}/{real:float}/{id:uuid}/{rest:path}")
    async def converted(number: int, real: float, id: uuid.UUID, rest: str) -> dict[str, Any]:
        return {"number": number, "real": real, "id": id, "rest": rest}

    @app.get("/queries")
    async def queries(
        needed: str,
        number: int = 3,
        maybe: float | None = None,
        flag: bool = False,
        color: Color = Color.blue,
        many: Annotated[list[int] | None, Query()] = None,
        some: Annotated[list[str], Query()] = ["a", "b"],  # noqa: B006
        short: Annotated[str, Query(max_length=3, alias="sh-ort")] = "x",
        moment: dt.datetime | None = None,
    ) -> dict[str, Any]:
        some.append("own")
        return dict(locals())

    @app.get("/headers")
    async def headers(
        user_agent: Annotated[str | None, Header()] = None,
        x_number: Annotated[int, Header()] = 0,
        x_many: Annotated[list[str] | None, Header()] = None,
        as_is: Annotated[str | None, Header(convert_underscores=False)] = None,
        named: Annotated[str, Header(alias="X-Named")] = "-",
    ) -> dict[str, Any]:
        return dict(locals())

    @app.get("/func")
    def named_as_starlette_names_its_own(func: str = "-") -> str:
        return func

    def takes_func(func: str = "-") -> str:
        return func

    @app.get("/depends-on-func")
    async def depends_on_func(value: Annotated[str, Depends(takes_func)]) -> str:
        return value

    @app.get("/cookies")
    async def cookies(
        session: Annotated[str | None, Cookie()] = None, visits: Annotated[int, Cookie()] = 0
    ) -> dict[str, Any]:
        return {"session": session, "visits": visits}

    @app.post("/all/{id}")
    async def everything(
        id: int,
        item: Item,
        token: Annotated[str | None, Depends(of_header)],
        q: str = "-",
        x_number: Annotated[float, Header()] = 0,
        session: Annotated[str | None, Cookie()] = None,
    ) -> dict[str, Any]:
        return dict(locals())

    return app


_context: contextvars.ContextVar[str] = contextvars.ContextVar("context", default="unset")


def dependencies() -> FastAPI:
    """Every function notes that it was called, and with what."""
    calls = lambda: app.state.calls  # noqa: E731

    async def first(q: str = "none") -> str:
        calls().append(("first", q))
        _context.set("set by a dependency")
        return f"first {q}"

    def in_thread(number: int = 1) -> int:
        calls().append(("in_thread", number))
        return number

    async def second(first: Annotated[str, Depends(first)], request: Request) -> str:
        calls().append(("second", first, request.url.path))
        return f"second {first}"

    async def uncached(first: Annotated[str, Depends(first)]) -> int:
        calls().append(("uncached", first))
        return len(calls())

    class Paging:
        def __init__(self, skip: int = 0, limit: int = 10) -> None:
            calls().append(("Paging", skip, limit))
            self.skip, self.limit = skip, limit

    class Checker:
        def __init__(self, wanted: str) -> None:
            self.wanted = wanted

        async def __call__(self, q: str = "") -> bool:
            return self.wanted in q

    async def with_body(item: Annotated[Item, Body()]) -> str:
        calls().append(("with_body", item.name))
        return item.name

    async def sets(response: Response) -> None:
        response.headers["X-Set"] = "by a dependency"
        response.set_cookie("crumb", "1")

    async def refuses(x_token: Annotated[str, Header()] = "") -> None:
        calls().append(("refuses", x_token))
        if x_token != "right":  # noqa: S105  # no secret
            raise HTTPException(403, "the token is not right", {"X-Why": "token"})

    async def yields() -> Any:
        calls().append("opened")
        yield 1
        calls().append("closed")

    async def scoped(scopes: SecurityScopes) -> list[str]:
        return scopes.scopes

    app = FastAPI(dependencies=[Depends(first)])
    guarded = APIRouter(prefix="/guarded", dependencies=[Depends(refuses)])

    @app.get("/tree")
    async def tree(
        first: Annotated[str, Depends(first)],
        second: Annotated[str, Depends(second)],
        once: Annotated[int, Depends(uncached, use_cache=False)],
        again: Annotated[int, Depends(uncached, use_cache=False)],
        number: Annotated[int, Depends(in_thread)],
        paging: Annotated[Paging, Depends()],
        has_x: Annotated[bool, Depends(Checker("x"))],
    ) -> dict[str, Any]:
        calls().append("tree")
        values = [first, second, once, again, number, paging.skip, paging.limit, has_x]
        return {"values": values, "context": _context.get()}

    @app.post("/body")
    async def body(name: Annotated[str, Depends(with_body)], item: Annotated[Item, Body()]) -> Any:
        return [name, item]

    @app.get("/sets")
    async def sets_(
        _: Annotated[None, Depends(sets)], response: Response, teapot: bool = False
    ) -> Item:
        if teapot:
            response.status_code = 418
        response.headers["X-Own"] = "by the endpoint"
        return Item(name="a", price=1)

    @app.get("/sets/own")
    async def sets_own(_: Annotated[None, Depends(sets)]) -> Response:
        return PlainTextResponse("mine", headers={"X-Own": "yes"})

    @app.get("/sets/plain", status_code=201)
    async def sets_plain(_: Annotated[None, Depends(sets)]) -> dict[str, int]:
        return {"a": 1}

    @guarded.get("/read")
    async def read() -> dict[str, bool]:
        calls().append("read")
        return {"ok": True}

    @app.get("/yields")
    async def yields_(value: Annotated[int, Depends(yields)]) -> int:
        calls().append("used")
        return value

    @app.get("/bearer")
    async def bearer(token: Annotated[Any, Depends(HTTPBearer())]) -> Any:
        return {"token": token.credentials}

    @app.get("/oauth2")
    async def oauth2(token: Annotated[str, Depends(OAuth2PasswordBearer("token"))]) -> Any:
        return {"token": token}

    @app.get("/scopes")
    async def scopes_(
        scopes: Annotated[list[str], Security(scoped, scopes=["a", "b"])],
    ) -> list[str]:
        return scopes

    app.include_router(guarded)
    return app


class Told(BaseModel):
    name: str
    hidden: str = "hidden"
    maybe: int | None = None
    at: dt.datetime = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
    sum_: float = Field(0.1, serialization_alias="theSum")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shouted(self) -> str:
        return self.name.upper()


class Public(BaseModel):
    name: str


@dataclass
class Point:
    x: int
    y: float = 0.5


class Attributes:
    name = "of an object"


def answers() -> FastAPI:
    app = FastAPI()
    told = Told(name="ü\u2028 <é>", maybe=None)

    routes: dict[str, tuple[Any, dict[str, Any]]] = {
        "/model": (told, {"response_model": Told}),
        "/filtered": (told, {"response_model": Public}),
        "/unset": (Told(name="a"), {"response_model": Told, "response_model_exclude_unset": True}),
        "/defaults": (
            Told(name="a"),
            {"response_model": Told, "response_model_exclude_defaults": True},
        ),
        "/none": (told, {"response_model": Told, "response_model_exclude_none": True}),
        "/include": (told, {"response_model": Told, "response_model_include": {"name"}}),
        "/exclude": (told, {"response_model": Told, "response_model_exclude": {"hidden"}}),
        "/by-name": (told, {"response_model": Told, "response_model_by_alias": False}),
        "/dict-to-model": ({"name": "of a dict", "more": 1}, {"response_model": Public}),
        "/attributes": (Attributes(), {"response_model": Public}),
        "/wrong": ({"nom": 1}, {"response_model": Public}),
        "/list": ([told, told], {"response_model": list[Told]}),
        "/dataclass": (Point(1), {"response_model": Point}),
        "/dict": ({"b": 1, "a": [dt.date(2026, 1, 2), Decimal("1.10"), Color.red]}, {}),
        "/untyped-model": (told, {}),
        "/nan": ({"x": float("nan")}, {}),
        "/nan-model": (1e400, {"response_model": float}),
        "/surrogate": ("\ud800", {"response_model": str}),
        "/unserializable": (object(), {"response_model": Any}),
        "/none-at-all": (None, {}),
        "/empty": (None, {"status_code": status.HTTP_204_NO_CONTENT}),
        "/created": (told, {"response_model": Told, "status_code": 201}),
        "/html": ("<p>é", {"response_class": HTMLResponse}),
        "/text": ("text", {"response_class": PlainTextResponse}),
        "/json-class": ({"a": 1}, {"response_class": JSONResponse}),
        "/json-class-model": (told, {"response_class": JSONResponse, "response_model": Told}),
        "/own": (JSONResponse({"own": 1}, 202, {"X-A": "b"}), {}),
        "/own-bytes": (Response(b"\xff\x00", media_type="application/octet-stream"), {}),
        "/own-304": (Response(status_code=304), {}),
        "/own-despite-model": (Response("x"), {"response_model": Public}),
    }
    for path, (value, more) in routes.items():

        def endpoint(value: Any = value, path: str = path) -> Any:
            async def answer():
                app.state.calls.append(path)
                return value

            return answer

        def in_thread(value: Any = value, path: str = path) -> Any:
            def answer():
                app.state.calls.append(path)
                return value

            return answer

        app.get(path, **more)(endpoint())
        app.get(f"/sync{path}", **more)(in_thread())

    @app.get("/streams")
    async def streams() -> StreamingResponse:
        async def parts() -> Any:
            app.state.calls.append("streamed")
            yield b"a"
            yield b"b"

        return StreamingResponse(parts(), media_type="text/plain")

    @app.get("/streams-and-breaks")
    async def streams_and_breaks() -> StreamingResponse:
        async def parts() -> Any:
            yield b"a"
            raise HTTPException(418, "too late")

        return StreamingResponse(parts())

    @app.get("/then")
    async def then() -> JSONResponse:
        return JSONResponse(
            {"a": 1}, background=BackgroundTask(app.state.calls.append, "in the background")
        )

    @app.get("/then-breaks")
    async def then_breaks() -> JSONResponse:
        async def task() -> None:
            raise HTTPException(418, "too late")

        return JSONResponse({"a": 1}, background=BackgroundTask(task))

    @app.get("/generated")
    async def generated() -> Any:
        yield {"a": 1}
        yield {"a": 2}

    @app.get("/seen")
    async def seen(request: Request) -> dict[str, Any]:
        return {
            "url": str(request.url),
            "for": str(request.url_for("seen")),
            "base": str(request.base_url),
            "client": request.client,
            "method": request.method,
            "app": request.app is app,
            "state": request.state.made,
            "route": request.scope["route"].path,
            "path_params": request.path_params,
            "headers": dict(request.headers),
            "query": str(request.query_params),
        }

    return app


class Own(Exception):
    pass


class Unhandled(Exception):
    pass


def errors() -> FastAPI:
    app = FastAPI()

    @app.exception_handler(Own)
    async def own(request: Request, error: Own) -> JSONResponse:
        app.state.calls.append("handler")
        body = await request.body()
        return JSONResponse({"own": str(error), "body": body.decode()}, 418)

    @app.exception_handler(409)
    def conflict(request: Request, error: HTTPException) -> JSONResponse:
        app.state.calls.append("conflict")
        return JSONResponse({"conflict": error.detail}, 409)

    @app.exception_handler(ZeroDivisionError)
    async def breaks(request: Request, error: ZeroDivisionError) -> JSONResponse:
        raise HTTPException(502, "the handler raised it")

    @app.exception_handler(LookupError)
    async def lost(request: Request, error: LookupError) -> None:
        raise Unhandled("from a handler")

    raised: dict[str, BaseException] = {
        "http": HTTPException(404, "none", {"X-Reason": "gone"}),
        "conflict": HTTPException(409, {"a": 1}),
        "own": Own("mine"),
        "unhandled": Unhandled("nobody's"),
        "zero": ZeroDivisionError("zero"),
        "key": KeyError("key"),
        "value": ValueError("not of the validation"),
        "runtime": RuntimeError("run"),
    }

    def raiser(kind: str) -> None:
        app.state.calls.append(f"raises {kind}")
        if kind in raised:
            raise raised[kind]

    @app.get("/raises/{kind}")
    async def raises(kind: str) -> str:
        raiser(kind)
        return kind

    @app.get("/sync/{kind}")
    def sync(kind: str) -> str:
        raiser(kind)
        return kind

    @app.post("/posted/{kind}")
    async def posted(kind: str, item: Item) -> str:
        raiser(kind)
        return item.name

    @app.post("/read/{kind}")
    async def read(kind: str, request: Request) -> str:
        await request.body()
        raiser(kind)
        return kind

    async def depended(kind: str) -> str:
        raiser(kind)
        return kind

    @app.get("/depends/{kind}")
    async def depends(kind: Annotated[str, Depends(depended)]) -> str:
        app.state.calls.append("endpoint")
        return kind

    return app


APPS = {make.__name__: make for make in (bodies, parameters, dependencies, answers, errors)}
