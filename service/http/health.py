"""Probes. Async, so that they answer while every worker thread is busy."""

from __future__ import annotations

import asyncio
from typing import Any

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
    status, answer = await readiness(request.state)
    return JSONResponse(answer, status_code=status)


async def readiness(state: Any) -> tuple[int, dict[str, Any]]:
    """state: the application's. Returns: status and document."""
    engine_is_ready, database_is_ready = await asyncio.gather(
        state.engines.ready(), state.database.healthy()
    )
    is_ready = engine_is_ready and database_is_ready and state.ending.is_ready
    return 200 if is_ready else 503, {
        "status": "ready" if is_ready else "not ready",
        "engine": str(state.engines.configured),
        "database": database_is_ready,
    }
