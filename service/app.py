"""The ASGI application."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from service import __version__, wiring
from service.engines.engine import Engines
from service.engines.orphans import when_orphaned
from service.http import openapi, problems
from service.http.context import RequestContext
from service.http.upstreams import Upstreams
from service.settings import Settings
from service.store.database import Database
from service.store.idempotency import Idempotency


def create_app(settings: Settings | None = None) -> FastAPI:
    """settings: from the environment by default. Engines open when the lifespan starts."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        # One of several workers goes on serving when the parent was killed: stop as if told to.
        when_orphaned(lambda: os.kill(os.getpid(), signal.SIGTERM))
        held = await asyncio.to_thread(wiring.held, settings)
        async with (
            Database(settings) as database,
            Upstreams(settings) as upstreams,
            Engines(wiring.ENGINES, settings, held, wiring.rehearse) as engines,
        ):
            yield {
                "engines": engines,
                "database": database,
                "idempotency": Idempotency(database),
                "upstreams": upstreams,
            }

    app = FastAPI(
        title="hotpath",
        version=__version__,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(
        RequestContext,
        request_timeout_s=settings.request_timeout_s,
        max_body_bytes=settings.max_body_bytes,
    )
    problems.install(app)
    openapi.install(app, [spec.name for spec in wiring.ENGINES])
    for router in wiring.ROUTERS:
        app.include_router(router)
    return app
