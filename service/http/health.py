"""Probes. Async, so that they answer while every worker thread is busy."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    status: str
    engine: str | None = None
    database: bool | None = None


@router.get(
    "/live",
    operation_id="live",
    summary="The process runs",
    response_model_exclude_none=True,
)
async def live() -> Health:
    return Health(status="live")


@router.get(
    "/ready",
    operation_id="ready",
    summary="The configured engine and the database answer",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not now"}},
)
async def ready(request: Request) -> JSONResponse:
    engines = request.state.engines
    engine_is_ready, database_is_ready = await asyncio.gather(
        engines.ready(), request.state.database.healthy()
    )
    is_ready = engine_is_ready and database_is_ready
    return JSONResponse(
        {
            "status": "ready" if is_ready else "not ready",
            "engine": str(engines.configured),
            "database": database_is_ready,
        },
        status_code=200 if is_ready else 503,
    )
