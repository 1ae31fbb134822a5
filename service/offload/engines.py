"""The engines of one process: opened once, shared by all requests."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import Any, Self

from service.errors import ServiceError
from service.offload.job import FromBody, Held, Job, Offload, Outcome, Setup
from service.offload.slowdown import slowed
from service.offload.spec import (
    OFFLOADS,
    EngineSpec,
    EngineStatus,
    Variant,
    configured,
    find,
    substitute,
)
from service.settings import Settings

log = logging.getLogger("hotpath.engines")

SHUTDOWN_GRACE_S = 2.0  # for calls whose requests the server has already waited for


class Engine:
    """The portable side of one variant."""

    def __init__(
        self, variant: Variant, module: Any, offload: Offload, answers_bodies: bool = True
    ) -> None:
        self.variant = variant
        self._module, self._offload = module, offload
        self._answers_bodies = answers_bodies

    def can(self, job: FromBody) -> bool:
        return hasattr(self._module, job.kernel) and self._answers_bodies

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        """Raises: what Offload.run does; any other failure of a kernel becomes `internal`."""
        try:
            return await self._offload.run(job, *raw)
        except (ServiceError, asyncio.CancelledError):
            raise
        # BaseException: a panic of compiled code arrives as one and would pass every other handler.
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

    jobs: to rehearse; together they run every kernel.
    """

    def __init__(
        self,
        specs: Sequence[EngineSpec],
        settings: Settings,
        held: Held,
        jobs: Sequence[Job | FromBody],
    ) -> None:
        self._specs, self._settings = specs, settings
        self._held, self._jobs = held, jobs
        self.configured = configured(specs, settings)
        self.all_ended = True  # False once closed while calls still ran
        self._substitute = substitute(specs, settings)
        self.substituted = 0  # calls that the substitute answered, for who counts
        self._open: dict[Variant, Engine] = {}
        # One for each: a sidecar that lets us wait holds up no other engine.
        self._opening: defaultdict[Variant, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        try:
            await self.get(None)
            if self._substitute:
                await self._opened(self._substitute)
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
        return await self._opened(variant)

    async def instead_of(self, engine: Engine, error: ServiceError) -> Engine | None:
        """The one that answers where a sidecar cannot, if the settings name one."""
        is_away = error.code == "engine_down" and find(self._specs, engine.variant.engine).sidecar
        if not (is_away and self._substitute):
            return None
        self.substituted += 1
        return await self._opened(self._substitute)

    async def _opened(self, variant: Variant) -> Engine:
        if variant not in self._open:
            async with self._opening[variant]:
                if variant not in self._open:
                    self._open[variant] = await self._start(variant)
        return self._open[variant]

    async def _start(self, variant: Variant) -> Engine:
        spec, settings = find(self._specs, variant.engine), self._settings
        module: Any = await asyncio.to_thread(spec.load)
        if settings.test_slowdown != 1:
            module = slowed(module, settings.test_slowdown, variant.offload)
        spec.use_threads(settings.kernel_threads)
        kind: type[Offload] = resolve_name(OFFLOADS[variant.offload])
        offload = await kind.open(Setup(spec, module, self._held, settings))
        engine = Engine(variant, module, offload, settings.bytes_to_bytes)
        try:
            for job in self._jobs:
                if not isinstance(job, FromBody):
                    await engine.run(job, *job.rehearsal)
                elif engine.can(job):
                    await engine.run(job, job.rehearsal, math.inf)
        except BaseException:
            await engine.close(grace_s=0)
            raise
        return engine

    async def ready(self) -> bool:
        engine = self._open.get(self.configured)
        return engine is not None and await engine.healthy()

    def statuses(self) -> list[EngineStatus]:
        return [spec.status() for spec in self._specs]

    async def close(self) -> None:
        ended = [await engine.close(SHUTDOWN_GRACE_S) for engine in self._open.values()]
        self._open.clear()
        self.all_ended = all(ended)
