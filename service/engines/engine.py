"""The engines of one process: opened once, shared by all requests."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from service.engines import channel
from service.engines.offloads import Held, Inline, Job, Offload, Outcome, Processes, Rpc, Threads
from service.engines.sidecar import Sidecar
from service.engines.slowdown import slowed
from service.engines.spec import EngineSpec, EngineStatus, Variant, find
from service.errors import ServiceError
from service.settings import Settings

log = logging.getLogger("hotpath.engines")

SHUTDOWN_GRACE_S = 2.0  # for calls whose requests the server has already waited for


class Engine:
    """The portable side of one variant."""

    def __init__(self, variant: Variant, offload: Offload) -> None:
        self.variant = variant
        self._offload = offload

    async def run(self, job: Job, *raw: Any) -> Outcome:
        """Raises: what Offload.run does; any other failure of a kernel becomes `internal`."""
        try:
            return await self._offload.run(job, *raw)
        except (ServiceError, asyncio.CancelledError):
            raise
        # BaseException: a panic in Rust arrives as one and would pass every other handler.
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise ServiceError("internal", f"engine '{self.variant.engine}' failed") from error

    async def healthy(self) -> bool:
        return await self._offload.healthy()

    async def close(self, grace_s: float) -> bool:
        return await self._offload.close(grace_s)


class Engines:
    """Opens engines on first use, the configured one at start, and closes them all.

    rehearse: runs every kernel once, so that an engine that cannot work is found when it
    is opened, and the first caller does not wait for its preparation.
    """

    def __init__(
        self,
        specs: Sequence[EngineSpec],
        settings: Settings,
        held: Held,
        rehearse: Callable[[Engine], Awaitable[None]],
    ) -> None:
        self._specs, self._settings, self._held, self._rehearse = specs, settings, held, rehearse
        self.configured = Variant.of(find(specs, settings.engine), settings.offload)
        self._open: dict[Variant, Engine] = {}
        self._opening = asyncio.Lock()
        self._sidecar: Sidecar | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.get(None)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(self, name: str | None) -> Engine:
        """The configured engine for None, else the named one.

        Raises: ServiceError override_disabled, unknown_engine, engine_unavailable, engine_down.
        """
        variant = self.configured
        if name is not None and name != self.configured.engine:
            spec = find(self._specs, name)
            if not self._settings.allow_engine_override:
                raise ServiceError(
                    "override_disabled",
                    f"X-Engine: expected '{self.configured.engine}' or none, got '{name}'; "
                    "others need HOTPATH_ALLOW_ENGINE_OVERRIDE=true",
                )
            variant = Variant.of(spec, None)
        if variant not in self._open:
            async with self._opening:
                if variant not in self._open:
                    self._open[variant] = await self._start(variant)
        return self._open[variant]

    async def _start(self, variant: Variant) -> Engine:
        spec = find(self._specs, variant.engine)
        engine = Engine(variant, await self._offload(spec, variant.offload))
        try:
            await self._rehearse(engine)
        except BaseException:
            await engine.close(grace_s=0)
            raise
        return engine

    async def _offload(self, spec: EngineSpec, offload: str) -> Offload:
        settings, held = self._settings, self._held
        module: Any = await asyncio.to_thread(spec.load)
        if settings.test_slowdown != 1:
            module = slowed(module, settings.test_slowdown, offload)
        spec.use_threads(settings.kernel_threads)
        match offload:
            case "inline":
                return Inline(module, held)
            case "thread":
                return Threads(module, held, settings.threads, settings.max_waiting)
            case "process":
                return Processes(module, held, settings.processes, settings.max_waiting)
            case "rpc":
                address = settings.sidecar_address
                if address is None:
                    if self._sidecar is None:
                        self._sidecar = await asyncio.to_thread(
                            spec.start_sidecar, settings.kernel_threads
                        )
                    address = self._sidecar.address
                return Rpc(
                    module,
                    held,
                    channel.connect(address),
                    channel.serving,
                    settings.threads,
                    settings.max_waiting,
                )
        raise AssertionError(offload)

    async def ready(self) -> bool:
        engine = self._open.get(self.configured)
        return engine is not None and await engine.healthy()

    def statuses(self) -> list[EngineStatus]:
        return [spec.status() for spec in self._specs]

    async def close(self) -> None:
        ended = [await engine.close(SHUTDOWN_GRACE_S) for engine in self._open.values()]
        self._open.clear()
        if self._sidecar:
            await asyncio.to_thread(self._sidecar.stop)
            self._sidecar = None
        if not all(ended):
            # Their callers were answered long ago. Python would wait for the threads at exit,
            # and a thread cannot be ended.
            log.error("calls still run after %s s; ending without them", SHUTDOWN_GRACE_S)
            os._exit(0)
