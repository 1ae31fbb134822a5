"""POST /v1/nearest: the portable caller of the kernel `nearest`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from service.http.engines import ServingEngine
from service.http.fields import between
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.nearest.contract.kernels import Found
from service.nearest.places import PLACES, Places
from service.nearest.sphere import Position, metres, unit_vectors
from service.offload.job import Cost, Held, Job, Results, Work

MAX_POINTS = 1000


class Point(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    lat: Annotated[float, *between(-90, 90)] = Field(description="degrees north")
    lon: Annotated[float, *between(-180, 180)] = Field(description="degrees east")


class NearestRequest(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"points": [{"lat": 52.52, "lon": 13.405}, {"lat": -33.87, "lon": 151.2}]}]
        },
    )

    points: Annotated[list[Point], Field(min_length=1, max_length=MAX_POINTS)]


class NearestPlace(BaseModel):
    index: int = Field(description="its row among the places", examples=[652])
    name: str = Field(examples=["place 652"])
    distance_m: float = Field(
        description="along the great circle, to the millimetre", examples=[280720.112]
    )


class NearestResponse(BaseModel):
    results: list[NearestPlace]


def _prepare(held: Held, points: list[Position]) -> Work:
    places: Places = held[PLACES]
    return Work({"nearest": (unit_vectors(points), places.vectors)})


def _finish(held: Held, _kept: None, results: Results, _points: list[Position]) -> bytes:
    """NearestResponse as JSON."""
    places: Places = held[PLACES]
    found: Found = results["nearest"]
    answers = [
        {"index": row, "name": places.names[row], "distance_m": round(metres(square), 3)}
        for row, square in zip(*(array.tolist() for array in found))
    ]
    return to_json({"results": answers})


def _cost(held: Held, points: list[Position]) -> Cost:
    places: Places = held[PLACES]
    return Cost(2e-5 + 3e-6 * len(points), 1.5e-9 * len(points) * len(places.names))


JOB = Job("nearest", _prepare, _finish, _cost, rehearsal=([Position(0, 0)],))

router = APIRouter(prefix="/v1", tags=["nearest"], route_class=StrictJson)


@router.post(
    "/nearest",
    operation_id="create_nearest",
    summary="The nearest place of each point",
    response_model=NearestResponse,
    responses=RESPONSES,
)
async def create_nearest(request: NearestRequest, engine: ServingEngine) -> Response:
    return await engine.run(JOB, [Position(point.lat, point.lon) for point in request.points])
