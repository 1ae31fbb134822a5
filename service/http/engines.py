"""The engines over HTTP: which there are, and a dependency that runs a job on one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from time import perf_counter
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from starlette.types import Scope

from service.errors import ServiceError
from service.http.context import RequestInfo
from service.offload.engines import Engine, Engines
from service.offload.job import FromBody, Job
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


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def from_body(job: FromBody) -> Callable[[Endpoint], Endpoint]:
    """For an endpoint: where the configured engine can, the request's body is answered by the job,
    without the models; what the job does not answer comes to the endpoint as ever."""

    async def answer(scope: Scope, body: bytes) -> bytes | None:
        if any(name == b"x-engine" for name, _ in scope["headers"]):
            return None
        state = scope["state"]
        return await EngineCall(state["engines"], state["info"], None).from_body(job, body)

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.from_body = answer  # type: ignore[attr-defined]  # compiled routes look for it
        return endpoint

    return mark


class EngineCall:
    """Runs jobs on the engine that serves one request."""

    def __init__(self, engines: Engines, info: RequestInfo, name: str | None) -> None:
        self._engines, self._info, self._name = engines, info, name

    async def run(self, job: Job, *raw: Any) -> Response:
        """For jobs whose answer is the JSON that goes out."""
        return Response(await self.answer(job, *raw), media_type="application/json")

    async def from_body(self, job: FromBody, body: bytes) -> bytes | None:
        """None where the serving engine cannot, or the body is not plainly valid."""
        engine = await self._engines.get(self._name)
        if not engine.can(job):
            return None
        answer: bytes | None = await self._run(engine, job, body, math.inf)
        if answer is None:
            self._info.variant = None
            self._info.spans_s.clear()
        return answer

    async def answer(self, job: Job, *raw: Any) -> Any:
        return await self._run(await self._engines.get(self._name), job, *raw)

    async def _run(self, engine: Engine, job: Job | FromBody, *raw: Any) -> Any:
        info = self._info
        info.spans_s.setdefault("parse", perf_counter() - info.started)
        info.variant = engine.variant
        try:
            outcome = await engine.run(job, *raw)
        except ServiceError as error:
            other = await self._engines.instead_of(engine, error)
            if other is None:
                raise
            info.variant, info.instead_of = other.variant, engine.variant
            outcome = await other.run(job, *raw)
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
