"""/bench/*, by the rules that TechEmpower's test types had, as FastAPI serves them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Coroutine
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import bindparam, select

from service.bench.tables import FORTUNE, WORLD, WORLDS
from service.compiled import Additions
from service.settings import Rung
from service.store.database import Database
from service.store.statements import Row, Statement

SERVER = (b"server", b"hotpath")
HELLO = "Hello, World!"
ADDED = (0, "Additional fortune added at request time.")

_ONE_WORLD = Statement(select(WORLD).where(WORLD.c.id == bindparam("id")))
_WRITE = (
    WORLD.update().where(WORLD.c.id == bindparam("world")).values(randomnumber=bindparam("number"))
)


class Message(BaseModel):
    message: str


class World(BaseModel):
    id: int
    randomNumber: int


class _NamedServer(APIRoute):
    """Adds the Server header that the rules ask for."""

    compiled = Additions(headers=[SERVER])

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_named(request: Request) -> Response:
            response = await handle(request)
            response.raw_headers.append(SERVER)
            return response

        return handle_named


class _NotCompiled(_NamedServer):
    """What is not said is not compiled: for the rungs that show what FastAPI takes."""

    get_route_handler = _NamedServer.get_route_handler


def count_of(queries: str | None) -> int:
    """How many rows a request asks for: 1 to 500, and 1 where it is not clear."""
    found = re.fullmatch(r"([+-]?)0*([0-9]+)", queries or "")
    if not found or found[1] == "-":
        return 1
    return min(max(int(found[2][:4]), 1), 500)


async def random_world(database: Database) -> Row:
    (row,) = await database.fetch(_ONE_WORLD, id=1 + int(WORLDS * random.random()))
    return row


def mount(app: FastAPI, rung: Rung) -> None:
    """To be called before other routers are included: see docs/ladder.md on the order."""
    if rung != "starlette":
        json, db = _DICTS if rung == "dict" else _MODELS
        if rung == "sqlalchemy":
            db = _db_by_sqlalchemy
        # A type named here would be a model: the rung without one must not have it.
        models = (None, None) if rung == "dict" else (Message, World)
        for path, endpoint, model in (("/json", json, models[0]), ("/db", db, models[1])):
            app.router.add_api_route(
                f"/bench{path}",
                endpoint,
                response_model=model,
                operation_id=f"bench_{path[1:]}",
                summary={"/json": "A JSON object", "/db": "One random row"}[path],
                tags=["bench"],
                route_class_override=_NamedServer if rung == "compiled" else _NotCompiled,
            )
    app.include_router(_others)


async def _json_model() -> Message:
    return Message(message=HELLO)


async def _db_model(request: Request) -> World:
    number, value = await random_world(request.state.database)
    return World(id=number, randomNumber=value)


async def _db_by_sqlalchemy(request: Request) -> World:
    database: Database = request.state.database
    query = select(WORLD).where(WORLD.c.id == random.randint(1, WORLDS))
    async with database.read() as connection:
        row = (await connection.execute(query)).one()
    return World(id=row.id, randomNumber=row.randomnumber)


async def _json_dict() -> dict[str, Any]:
    return {"message": HELLO}


async def _db_dict(request: Request) -> dict[str, Any]:
    number, value = await random_world(request.state.database)
    return {"id": number, "randomNumber": value}


_MODELS: tuple[Callable[..., Any], Callable[..., Any]] = (_json_model, _db_model)
_DICTS: tuple[Callable[..., Any], Callable[..., Any]] = (_json_dict, _db_dict)

_others = APIRouter(prefix="/bench", tags=["bench"], route_class=_NamedServer)


@_others.get(
    "/plaintext",
    operation_id="bench_plaintext",
    summary="A line of text",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def plaintext() -> Response:
    return Response(HELLO, headers={"content-type": "text/plain"})


@_others.get("/queries", operation_id="bench_queries", summary="Random rows, a query each")
async def queries(request: Request, queries: str | None = None) -> list[World]:
    database: Database = request.state.database
    rows = [await random_world(database) for _ in range(count_of(queries))]
    return [World(id=number, randomNumber=value) for number, value in rows]


@_others.get("/updates", operation_id="bench_updates", summary="Random rows, given new numbers")
async def updates(request: Request, queries: str | None = None) -> list[World]:
    database: Database = request.state.database
    # In the order of their ids, or two requests that lock each other's rows would wait for ever.
    chosen = sorted(random.sample(range(1, WORLDS + 1), count_of(queries)))
    worlds = []
    async with database.write() as connection:
        for number in chosen:
            row = (await connection.execute(select(WORLD).where(WORLD.c.id == number))).one()
            worlds.append(World(id=row.id, randomNumber=random.randint(1, WORLDS)))
        await connection.execute(
            _WRITE, [{"world": world.id, "number": world.randomNumber} for world in worlds]
        )
    return worlds


@_others.get(
    "/fortunes",
    operation_id="bench_fortunes",
    summary="A page of fortunes",
    response_class=HTMLResponse,
)
async def fortunes(request: Request) -> HTMLResponse:
    database: Database = request.state.database
    async with database.read() as connection:
        stored = (await connection.execute(select(FORTUNE))).all()
    rows = sorted([ADDED, *((row.id, row.message) for row in stored)], key=lambda row: row[1])
    shown = "".join(f"<tr><td>{n}</td><td>{escape(message)}</td></tr>" for n, message in rows)
    return HTMLResponse(
        "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>"
        f"<tr><th>id</th><th>message</th></tr>{shown}</table></body></html>"
    )
