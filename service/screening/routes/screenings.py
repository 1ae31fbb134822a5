"""Screenings: the hot path and its persistence in one. Validate, screen, seal, store.

A screening is one row: its records and results are documents, written and read as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy import bindparam, select
from uuid_utils.compat import uuid7

from service.errors import ServiceError, shown
from service.http.engines import ServingEngine
from service.http.fields import Identifier, Integer, between
from service.http.idempotency import IdempotentCreation
from service.http.json_bodies import StrictJson
from service.http.paging import Paged, Pages
from service.http.problems import responses
from service.offload.job import Cost, Held, Job, Results, Work
from service.packed import Blobs, CodePoints
from service.screening.contract.payment_rules import rule_tables
from service.screening.names import normalize
from service.screening.payment import EXAMPLE, Payment, canonical, columns
from service.screening.routes.matches import MatchHit, hits_of, screen_cost_s
from service.screening.routes.seals import nodes_hex
from service.screening.routes.validations import Judgement, Payments, judgement
from service.screening.tables import SCREENINGS
from service.screening.watchlist import WATCHLIST
from service.store.idempotency import Answer, Effect
from service.store.statements import Row, Statement, Step
from service.store.tables import instant_text

MAX_HITS = 20  # a name

_SUMMARY = (
    SCREENINGS.c.id,
    SCREENINGS.c.created_at,
    SCREENINGS.c.root,
    SCREENINGS.c.size,
    SCREENINGS.c.engine,
)


def _one(*columns: Any) -> Statement:
    return Statement(select(*columns).where(SCREENINGS.c.id == bindparam("id")))


_INSERT = Statement(SCREENINGS.insert())
_WITH_RESULTS = _one(*_SUMMARY, SCREENINGS.c.results)
_WITH_RECORDS = _one(*_SUMMARY, SCREENINGS.c.records)
_PAGES = Pages(SCREENINGS, *_SUMMARY)

ROOT = "e2eff9e392f1abbd2684d34c0fbcb8c57419848d40388948dfcf23fdd3753566"
NODE = "7a675ce6e27eed52e6d90bf24c82788a2730a632afcba83e7987059beec459c4"


class ScreeningRequest(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"payments": [EXAMPLE], "cutoff": 0.9, "limit": 5}]},
    )

    payments: Payments
    cutoff: Annotated[float, *between(0, 1)] = Field(
        0.9, description="least Jaro-Winkler similarity of a hit"
    )
    limit: Annotated[int, *between(1, MAX_HITS)] = Field(5, description="hits per name at most")


class ScreeningResult(Judgement):
    debtor_hits: list[MatchHit]
    creditor_hits: list[MatchHit]


class ScreeningSummary(BaseModel):
    id: UUID
    created_at: datetime
    root: str = Field(description="RFC 9162 Merkle tree hash of the payments, hex", examples=[ROOT])
    size: int = Field(description="payments", examples=[3])
    engine: str = Field(description="that screened", examples=["rust"])


class Screening(ScreeningSummary):
    results: list[ScreeningResult] = Field(description="in the order sent")


class ScreeningList(BaseModel):
    screenings: list[ScreeningSummary]
    next: UUID | None


class InclusionProof(BaseModel):
    place: int = Field(examples=[2])
    size: int = Field(examples=[3])
    root: str = Field(examples=[ROOT])
    record: str = Field(
        description="what was sealed: the payment as RFC 8785 JSON",
        examples=[canonical(Payment(**EXAMPLE)).decode()],
    )
    proof: list[str] = Field(description="hex nodes, leaf's sibling first", examples=[[NODE]])


class Screened(NamedTuple):
    watchlist: str
    root: bytes
    records: bytes
    results: bytes


def _prepare(held: Held, payments: list[Payment], cutoff: float, limit: int) -> Work:
    names = [payment.debtor_name for payment in payments]
    names += [payment.creditor_name for payment in payments]
    queries = CodePoints.pack([normalize(name) for name in names])
    records = [canonical(payment) for payment in payments]
    return Work(
        {
            "validate": (columns(payments), rule_tables()),
            "screen": (queries, held[WATCHLIST].index, cutoff, limit),
            "seal": (Blobs.pack(records),),
        },
        kept=records,
    )


def _finish(
    held: Held, records: list[bytes], results: Results, payments: list[Payment], *_: Any
) -> Screened:
    hits = hits_of(held[WATCHLIST], results["screen"])
    documents = [
        {**judgement(bits), "debtor_hits": debtor_hits, "creditor_hits": creditor_hits}
        for bits, debtor_hits, creditor_hits in zip(
            results["validate"].tolist(), hits[: len(payments)], hits[len(payments) :]
        )
    ]
    return Screened(
        held[WATCHLIST].index.version,
        results["seal"],
        b"\n".join(records),  # canonical JSON has no line feed
        to_json(documents),
    )


def _cost(held: Held, payments: list[Payment], cutoff: float, limit: int) -> Cost:
    return Cost(
        4e-5 + 1e-5 * len(payments) + 4e-7 * limit * len(payments),
        screen_cost_s(held, 2 * len(payments), cutoff),
    )


SCREEN = Job("screen", _prepare, _finish, _cost)


def _prepare_proof(_held: Held, records: list[bytes], place: int) -> Work:
    return Work({"prove": (Blobs.pack(records), np.array([place], dtype="<i4"))})


def _finish_proof(_held: Held, _kept: None, results: Results, *_: Any) -> list[str]:
    (proof,) = results["prove"]
    return nodes_hex(proof)


def _proof_cost(_held: Held, records: list[bytes], _place: int) -> Cost:
    return Cost(1e-5 + 1e-7 * len(records), 1e-7 * len(records))


PROVE = Job("prove", _prepare_proof, _finish_proof, _proof_cost)


def _summary(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "created_at": instant_text(row.created_at),
        "root": row.root.hex(),
        "size": row.size,
        "engine": row.engine,
    }


def _document(row: Any) -> bytes:
    """The JSON of Screening; its results are JSON already."""
    return b'%b,"results":%b}' % (to_json(_summary(row))[:-1], row.results)


router = APIRouter(prefix="/v1/screenings", tags=["screenings"], route_class=StrictJson)


@router.post(
    "",
    operation_id="create_screening",
    summary="Check, screen and seal a batch of payments, and keep the result",
    status_code=201,
    response_model=Screening,
    responses=responses(400, 403, 409, 413, 415, 422, 503, 504),
)
async def create_screening(
    batch: ScreeningRequest, engine: ServingEngine, creation: IdempotentCreation
) -> Response:
    async def effect() -> Effect:
        screened: Screened = await engine.answer(SCREEN, batch.payments, batch.cutoff, batch.limit)
        values = screened._asdict() | {
            "id": uuid7(),
            "created_at": datetime.now(UTC),
            "engine": engine.served_by.engine,
            "cutoff": batch.cutoff,
            "hits_per_name": batch.limit,
            "size": len(batch.payments),
        }
        answer = Answer(201, _document(SimpleNamespace(**values)), f"/v1/screenings/{values['id']}")
        return Step(_INSERT, values), answer

    return await creation.carry_out(effect)


@router.get(
    "/{id}",
    operation_id="read_screening",
    summary="One screening, as it was answered",
    response_model=Screening,
    responses=responses(400, 404, 422, 503, 504),
)
async def read_screening(screening_id: Identifier, request: Request) -> Response:
    row = await _read(request, screening_id, _WITH_RESULTS)
    return Response(_document(row), media_type="application/json")


@router.get(
    "",
    operation_id="list_screenings",
    summary="Screenings without their results, the newest first",
    response_model=ScreeningList,
    responses=responses(400, 422, 503, 504),
)
async def list_screenings(page: Paged, request: Request) -> Response:
    rows, after = await page.read(request.state.database, _PAGES)
    return Response(
        to_json({"screenings": [_summary(row) for row in rows], "next": after}),
        media_type="application/json",
    )


@router.get(
    "/{id}/proofs/{place}",
    operation_id="read_proof",
    summary="That a payment was part of the screening: an RFC 9162 inclusion proof",
    response_model=InclusionProof,
    responses=responses(400, 403, 404, 422, 503, 504),
)
async def read_proof(
    screening_id: Identifier, place: Integer, request: Request, engine: ServingEngine
) -> Response:
    row = await _read(request, screening_id, _WITH_RECORDS)
    if not 0 <= place < row.size:
        raise ServiceError(
            "not_found", f"place: expected 0 to {row.size - 1}, got {shown(str(place))}"
        )
    records = row.records.split(b"\n")
    proof = await engine.answer(PROVE, records, place)
    document = {
        "place": place,
        "size": row.size,
        "root": row.root.hex(),
        "record": records[place].decode(),
        "proof": proof,
    }
    return Response(to_json(document), media_type="application/json")


async def _read(request: Request, screening_id: UUID, statement: Statement) -> Row:
    rows = await request.state.database.fetch(statement, id=screening_id)
    if not rows:
        raise ServiceError("not_found", f"screening: there is none with the id {screening_id}")
    return rows[0]
