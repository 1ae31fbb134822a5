"""/v1/things: created, read, listed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy import bindparam, select
from uuid_utils.compat import uuid7

from service.errors import ServiceError
from service.http.fields import Identifier
from service.http.idempotency import IdempotentCreation
from service.http.json_bodies import StrictJson
from service.http.paging import Paged, Pages
from service.http.problems import responses
from service.store.idempotency import Answer, Effect
from service.store.statements import Statement, Step
from service.store.tables import instant_text
from tests.platform.toy.gate import Gate
from tests.platform.toy.tables import THINGS


class ThingRequest(BaseModel):
    """gate: where the creation waits before it writes, see Gate."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"name": "a chair"}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    gate: str = ""


class Thing(BaseModel):
    id: UUID
    name: str
    created_at: datetime


class ThingList(BaseModel):
    things: list[Thing]
    next: UUID | None


def document(row: Any) -> dict[str, str]:
    """row: of THINGS. Returns: what Thing declares."""
    return {"id": str(row.id), "name": row.name, "created_at": instant_text(row.created_at)}


_INSERT = Statement(THINGS.insert())
_ONE = Statement(select(THINGS).where(THINGS.c.id == bindparam("id")))
_PAGES = Pages(THINGS)

router = APIRouter(prefix="/v1/things", tags=["things"], route_class=StrictJson)


@router.post(
    "",
    operation_id="create_thing",
    summary="Create a thing",
    status_code=201,
    response_model=Thing,
    responses=responses(400, 409, 413, 415, 422, 503, 504),
)
async def create_thing(thing: ThingRequest, creation: IdempotentCreation) -> Response:
    async def effect() -> Effect:
        await asyncio.to_thread(Gate(thing.gate).pass_through)
        made = Thing(id=uuid7(), name=thing.name, created_at=datetime.now(UTC))
        answer = Answer(201, to_json(document(made)), f"/v1/things/{made.id}")
        return Step(_INSERT, made.model_dump()), answer

    return await creation.carry_out(effect)


@router.get(
    "/{id}",
    operation_id="read_thing",
    summary="One thing",
    response_model=Thing,
    responses=responses(400, 404, 422, 503, 504),
)
async def read_thing(thing_id: Identifier, request: Request) -> Response:
    rows = await request.state.database.fetch(_ONE, id=thing_id)
    if not rows:
        raise ServiceError("not_found", f"thing: there is none with the id {thing_id}")
    return Response(to_json(document(*rows)), media_type="application/json")


@router.get(
    "",
    operation_id="list_things",
    summary="Things, the newest first",
    response_model=ThingList,
    responses=responses(400, 422, 503, 504),
)
async def list_things(page: Paged, request: Request) -> Response:
    rows, after = await page.read(request.state.database, _PAGES)
    return Response(
        to_json({"things": [document(row) for row in rows], "next": after}),
        media_type="application/json",
    )
