"""The engines over HTTP: which there are, and a dependency that runs a job on one."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel

from service.http.context import RequestInfo
from service.offload.engines import Engines
from service.offload.job import Job
from service.offload.spec import EngineStatus, Variant

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
    """Runs jobs on the engine that serves one request."""

    def __init__(self, engines: Engines, info: RequestInfo, name: str | None) -> None:
        self._engines, self._info, self._name = engines, info, name

    async def run(self, job: Job, *raw: Any) -> Response:
        """For jobs whose answer is the JSON that goes out."""
        return Response(await self.answer(job, *raw), media_type="application/json")

    async def answer(self, job: Job, *raw: Any) -> Any:
        info = self._info
        info.spans_s.setdefault("parse", perf_counter() - info.started)
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
        return outcome.answer

    @property
    def served_by(self) -> Variant:
        """Of the last answer."""
        assert self._info.variant is not None
        return self._info.variant


# async although it awaits nothing: FastAPI runs other dependencies in a thread, at a third of
# a millisecond each.
async def _engine_call(
    request: Request,
    x_engine: Annotated[
        str | None, Header(description="another engine for this request, where that is allowed")
    ] = None,
) -> EngineCall:
    return EngineCall(request.state.engines, request.state.info, x_engine)


ServingEngine = Annotated[EngineCall, Depends(_engine_call)]
