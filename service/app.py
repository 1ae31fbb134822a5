"""The ASGI application."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pkgutil import resolve_name
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from service import __version__
from service.bench import rungs
from service.compiled import compile_routes
from service.domain import Domain
from service.http import engines as engine_routes
from service.http import health, openapi, problems
from service.http.context import RequestContext
from service.http.ending import Ending
from service.http.probes import address_of_probes, serving_probes
from service.http.upstreams import Upstreams
from service.offload.engines import Engines
from service.offload.orphans import when_orphaned
from service.settings import Settings
from service.store.database import Database
from service.store.idempotency import Idempotency

log = logging.getLogger("hotpath")


def create_app(settings: Settings, domain: Domain) -> FastAPI:
    """Engines open when the lifespan starts."""
    jobs = [resolve_name(job) for job in domain.jobs]
    routers = [resolve_name(router) for router in domain.routers]
    probes = address_of_probes(settings)
    ending = Ending(settings.shutdown_pause_s, settings.shutdown_grace_s, probes and probes[1])
    # Paths whose requests are refused at once, before they are parsed: with 503, by the edge or by
    # the context. Whoever knows that there is no room for them adds and removes them.
    shed: set[bytes] = set()

    @asynccontextmanager
    async def opened() -> AsyncIterator[dict[str, Any]]:
        # One of several workers goes on serving when the parent was killed: stop as if told to.
        when_orphaned(lambda: os.kill(os.getpid(), signal.SIGTERM))
        ending.listen()
        held = await asyncio.to_thread(domain.hold, settings)
        async with (
            Database(settings) as database,
            Upstreams(settings) as upstreams,
            Engines(domain.engines, settings, held, jobs) as engines,
        ):
            # What is there now stays. The collector would walk through it again and again while
            # requests wait, because what they hold meanwhile looks like growth.
            gc.collect()
            gc.freeze()
            # And rarely: by default after 700 more objects than were freed, which a few dozen
            # requests under way are, though they leave no cycles behind.
            gc.set_threshold(10_000, 10, 10)
            state = {
                "engines": engines,
                "database": database,
                "idempotency": Idempotency(database),
                "upstreams": upstreams,
                "ending": ending,
                "shed": shed,
            }
            async with serving_probes(settings, probes, state):
                yield state
        if not engines.all_ended:
            # Their callers were answered long ago. Python would wait for the threads at exit,
            # and a thread cannot be ended.
            log.error("calls still run; ending without them")
            os._exit(0)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            try:
                state = await stack.enter_async_context(opened())
            except Exception as error:
                log.critical("cannot start: %s", error)  # each server words it in its own way
                raise
            yield state

    app = FastAPI(
        title="hotpath",
        version=__version__,
        lifespan=lifespan,
        redirect_slashes=False,  # one path, one resource
        docs_url=None,  # FastAPI's own loads its script from elsewhere
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(
        RequestContext,
        request_timeout_s=settings.request_timeout_s,
        max_body_bytes=settings.max_body_bytes,
        max_head_fields=settings.max_head_fields,
        ending=ending,
        shed=shed,
    )
    if settings.compiled_routes:
        app.state.compiled = compile_routes(app)
    problems.install(app)
    openapi.install(app, [spec.name for spec in domain.engines], domain.errors)
    if settings.bench_routes:
        rungs.mount(app, settings.bench_rung)
    openapi.serve_docs(app)
    for router in (*routers, engine_routes.router, health.router):
        app.include_router(router)
    return app


def create_server_app(settings: Settings, domain: Domain) -> ASGIApp:
    """What a server runs: the application, behind what a rung of the bench puts before it."""
    app = create_app(settings, domain)
    if not settings.bench_routes:
        return app
    return rungs.in_front(app, settings.bench_rung)
