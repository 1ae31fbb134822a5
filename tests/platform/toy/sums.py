"""POST /v1/sums: the hot path."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from service.http.engines import ServingEngine
from service.http.fields import between
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.offload.job import Held, Job, Results, Work
from tests.platform.toy.faults import Fault


class SumRequest(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"numbers": [1, 2]}]}
    )

    numbers: Annotated[list[int], Field(max_length=1000)]
    fault: Fault = "none"
    wait_s: Annotated[float, *between(0, 60)] = 0


class SumResponse(BaseModel):
    total: int


def _prepare(_held: Held, numbers: list[int], fault: Fault, wait_s: float) -> Work:
    return Work({"total": (numbers, fault, wait_s)})


def _finish(_held: Held, _kept: None, results: Results, *_raw: object) -> bytes:
    """SumResponse as JSON."""
    return to_json({"total": results["total"]})


def _is_light(*_raw: object) -> bool:
    return True


SUM = Job(_prepare, _finish, _is_light, rehearsal=([1], "none", 0))

router = APIRouter(prefix="/v1", tags=["sums"], route_class=StrictJson)


@router.post(
    "/sums",
    operation_id="create_sum",
    summary="The sum of the numbers",
    response_model=SumResponse,
    responses=RESPONSES,
)
async def create_sum(request: SumRequest, engine: ServingEngine) -> Response:
    return await engine.run(SUM, request.numbers, request.fault, request.wait_s)
