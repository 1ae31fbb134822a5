"""POST /v1/sums: the hot path."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from service.http.engines import ServingEngine, from_body
from service.http.fields import between
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.offload.job import Cost, FromBody, Held, Job, Results, Work
from tests.platform.toy.faults import Fault

MAX_NUMBERS = 1000


class SumRequest(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"numbers": [1, 2]}]}
    )

    numbers: Annotated[list[int], Field(max_length=MAX_NUMBERS)]
    fault: Fault = "none"
    wait_s: Annotated[float, *between(0, 60)] = 0
    gate: str = ""


class SumResponse(BaseModel):
    total: int


def _prepare(_held: Held, numbers: list[int], fault: Fault, wait_s: float, gate: str = "") -> Work:
    return Work({"total": (numbers, fault, wait_s, gate)})


def _finish(_held: Held, _kept: None, results: Results, *_raw: object) -> bytes:
    """SumResponse as JSON."""
    return to_json({"total": results["total"]})


def _cost(_held: Held, numbers: list[int], _fault: Fault, wait_s: float, _gate: str = "") -> Cost:
    return Cost(2e-5, 1e-8 * len(numbers) + wait_s)


SUM = Job("sum", _prepare, _finish, _cost, rehearsal=([1], "none", 0))


def _arguments(_held: Held) -> tuple[int]:
    return (MAX_NUMBERS,)


SUM_BODY = FromBody("sum", "answer_sum", _arguments, b'{"numbers":[1]}')

router = APIRouter(prefix="/v1", tags=["sums"], route_class=StrictJson)


@router.post(
    "/sums",
    operation_id="create_sum",
    summary="The sum of the numbers",
    response_model=SumResponse,
    responses=RESPONSES,
)
@from_body(SUM_BODY)
async def create_sum(request: SumRequest, engine: ServingEngine) -> Response:
    return await engine.run(SUM, request.numbers, request.fault, request.wait_s, request.gate)
