"""Matching names against the watchlist: the portable caller of the kernel `screen`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import to_json

from service.http.engines import ServingEngine, from_body
from service.http.fields import between
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.offload.job import Cost, FromBody, Held, Job, Results, Work
from service.packed import CodePoints
from service.screening.contract.folding_tables import folding_tables
from service.screening.contract.kernels import Hits
from service.screening.names import MAX_NAME_CHARS, normalize
from service.screening.watchlist import WATCHLIST, Watchlist

MAX_NAMES = 1000
MAX_LIMIT = 1000


class MatchRequest(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"names": ["Jon Smyth", "AEROCARIBEAN AIRLINE"], "cutoff": 0.9, "limit": 5}
            ]
        },
    )

    names: Annotated[
        list[Annotated[str, StringConstraints(max_length=MAX_NAME_CHARS)]],
        Field(min_length=1, max_length=MAX_NAMES),
    ]
    cutoff: Annotated[float, *between(0, 1)] = Field(
        0.9, description="least Jaro-Winkler similarity of a hit"
    )
    limit: Annotated[int, *between(1, MAX_LIMIT)] = Field(5, description="hits per name at most")


class MatchHit(BaseModel):
    row: int = Field(description="place in the watchlist", examples=[8976])
    uid: str = Field(description="entity number; an entity's aliases share it", examples=["36"])
    name: str = Field(examples=["AERO-CARIBBEAN"])
    normalized: str = Field(examples=["aero caribbean"])
    score: float = Field(description="Jaro-Winkler similarity", examples=[0.8541758241758242])


class NameMatches(BaseModel):
    name: str = Field(examples=["AEROCARIBEAN AIRLINE"])
    normalized: str = Field(examples=["aerocaribean airline"])
    hits: list[MatchHit]


class MatchResponse(BaseModel):
    results: list[NameMatches]


def _prepare(held: Held, names: list[str], cutoff: float, limit: int) -> Work:
    queries = CodePoints.pack([normalize(name) for name in names])
    return Work({"screen": (queries, held[WATCHLIST].index, cutoff, limit)}, kept=queries)


def _finish(held: Held, queries: CodePoints, results: Results, names: list[str], *_: Any) -> bytes:
    """MatchResponse as JSON; built here because a large one takes longer than the loop may."""
    watchlist: Watchlist = held[WATCHLIST]
    answers = [
        {"name": name, "normalized": normalized, "hits": hits}
        for name, normalized, hits in zip(
            names, queries.texts(), hits_of(watchlist, results["screen"])
        )
    ]
    return to_json({"results": answers})


def hits_of(watchlist: Watchlist, found: Hits) -> list[list[dict[str, Any]]]:
    """For each query its hits, as MatchHit declares them."""
    return [
        [
            {
                "row": row,
                "uid": watchlist.entries[row].uid,
                "name": watchlist.entries[row].name,
                "normalized": watchlist.entries[row].normalized,
                "score": score,
            }
            for row, score in zip(rows, scores)
            if row >= 0
        ]
        for rows, scores in zip(*(array.tolist() for array in found))
    ]


def _cost(held: Held, names: list[str], cutoff: float, limit: int) -> Cost:
    return Cost(
        2e-5 + 2e-7 * sum(map(len, names)) + 4e-7 * limit * len(names),
        screen_cost_s(held, len(names), cutoff),
    )


def screen_cost_s(held: Held, names: int, cutoff: float) -> float:
    """Seconds of one core: at a low cutoff the bound discards next to nothing."""
    return names * len(held[WATCHLIST].entries) * (4e-10 if cutoff >= 0.8 else 1e-7)


def _arguments(held: Held) -> tuple[Any, ...]:
    watchlist: Watchlist = held[WATCHLIST]
    fields = MatchRequest.model_fields
    return (
        folding_tables(),
        watchlist.index,
        watchlist.hit_beginnings,
        MAX_NAMES,
        MAX_NAME_CHARS,
        MAX_LIMIT,
        fields["cutoff"].default,
        fields["limit"].default,
    )


MATCH_BODY = FromBody("match", "answer_matches", _arguments, to_json({"names": ["rehearsal"]}))
MATCH = Job("match", _prepare, _finish, _cost, rehearsal=(["rehearsal"], 0.9, 1))

router = APIRouter(prefix="/v1", tags=["matches"], route_class=StrictJson)


@router.post(
    "/matches",
    operation_id="create_matches",
    summary="The best matches of each name in the watchlist",
    response_model=MatchResponse,
    responses=RESPONSES,
)
@from_body(MATCH_BODY)
async def create_matches(query: MatchRequest, engine: ServingEngine) -> Response:
    return await engine.run(MATCH, query.names, query.cutoff, query.limit)
