"""The engines over HTTP: which there are, and a dependency that runs a job on one."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel

from service.engines.engine import Engines
from service.engines.offloads import Job
from service.engines.spec import EngineStatus

router = APIRouter(prefix="/v1", tags=["engines"])


class EngineList(BaseModel):
    configured: str
    engines: list[EngineStatus]


@router.get("/engines", operation_id="list_engines", summary="The engines, and which one serves")
async def list_engines(request: Request) -> EngineList:
    engines: Engines = request.state.engines
    statuses = await asyncio.to_thread(engines.statuses)
    return EngineList(
        configured=str(engines.configured),
        engines=statuses,
    )


class EngineCall:
    """Runs a job on the engine that serves this request: `Annotated[EngineCall, Depends()]`."""

    def __init__(
        self,
        request: Request,
        x_engine: Annotated[
            str | None,
            Header(description="another engine for this request, where that is allowed"),
        ] = None,
    ) -> None:
        self._engines: Engines = request.state.engines
        self._info = request.state.info
        self._name = x_engine

    async def run(self, job: Job, *raw: Any) -> Response:
        info = self._info
        info.spans_s["parse"] = perf_counter() - info.started
        engine = await self._engines.get(self._name)
        info.variant = engine.variant
        outcome = await engine.run(job, *raw)
        info.spans_s |= {
            "queue": outcome.queue_s,
            "prepare": outcome.prepare_s,
            "kernel": outcome.kernel_s,
            "rpc": outcome.rpc_s,
            "finish": outcome.finish_s,
        }
        return Response(outcome.answer, media_type="application/json")
