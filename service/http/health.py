"""Probes. Async, so that they answer while every worker thread is busy."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    status: str
    engine: str | None = None


@router.get("/live", operation_id="live", summary="The process runs")
async def live() -> Health:
    return Health(status="live")


@router.get(
    "/ready",
    operation_id="ready",
    summary="The configured engine answers",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not now"}},
)
async def ready(request: Request) -> JSONResponse:
    engines = request.state.engines
    is_ready = await engines.ready()
    return JSONResponse(
        {"status": "ready" if is_ready else "not ready", "engine": str(engines.configured)},
        status_code=200 if is_ready else 503,
    )
