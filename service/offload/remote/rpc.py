"""Calls that leave for the sidecar."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from types import ModuleType
from typing import Any, Self

from service import deadlines
from service.offload.admission import Admission
from service.offload.job import FromBody, Held, Job, Outcome, Setup
from service.offload.local import ended
from service.offload.remote.batches import Travelled
from service.offload.remote.channel import Channel, connect, serving, wait_until_open
from service.offload.remote.sidecar import Sidecar, start

LIGHT_S = 1e-3
"""Shared code of a call that may stay on the event loop: the way to a thread and back, and its
turn there, would cost more."""


class Rpc:
    """In the sidecar.

    A kernel is `async (channel, timeout_s, *arguments) -> (result, compute_s)`.
    """

    def __init__(
        self,
        module: ModuleType,
        held: Held,
        channel: Channel,
        workers: int,
        max_waiting: int,
        sidecar: Sidecar | None = None,
    ) -> None:
        """sidecar: one of its own, which ends with it."""
        self._module, self._held, self._channel = module, held, channel
        self._sidecar = sidecar
        self._admission = Admission(workers, max_waiting)
        self._threads = ThreadPoolExecutor(workers, "rpc-shared-code")

    @classmethod
    async def open(cls, setup: Setup) -> Self:
        """Starts a sidecar where the settings name none. Raises: ServiceError engine_down."""
        settings = setup.settings
        sidecar, address = None, settings.sidecar_address
        if address is None:
            sidecar = await asyncio.to_thread(start, setup.spec, settings.kernel_threads)
            address = sidecar.address
        channel = connect(address, settings.sidecar_coalesce)
        opened = cls(
            setup.module, setup.held, channel, settings.threads, settings.max_waiting, sidecar
        )
        try:
            await wait_until_open(channel, address)
        except BaseException:
            await opened.close(0)
            raise
        return opened

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        assert isinstance(job, Job), "no sidecar answers bodies"
        self._admission.enter()
        try:
            is_light = job.cost(self._held, *raw).shared_s < LIGHT_S
            start = perf_counter()
            work = await self._shared(is_light, job.prepare, self._held, *raw)
            prepared = perf_counter()
            results, compute_s = {}, 0.0
            for kernel, arguments in work.calls.items():
                results[kernel], seconds = await getattr(self._module, kernel)(
                    self._channel, deadlines.remaining_s(), *arguments
                )
                compute_s += seconds
            computed = perf_counter()
            answer = await self._shared(is_light, job.finish, self._held, work.kept, results, *raw)
            return Outcome(
                answer,
                prepared - start,
                compute_s,
                finish_s=perf_counter() - computed,
                rpc_s=computed - prepared - compute_s,
            )
        finally:
            self._admission.leave()

    async def _shared(self, is_light: bool, function: Callable[..., Any], *args: Any) -> Any:
        if is_light:
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    @property
    def travelled(self) -> Travelled | None:
        """How the calls left; None where each leaves by itself."""
        return self._channel.batches.travelled if self._channel.batches else None

    async def healthy(self) -> bool:
        return await serving(self._channel)

    async def close(self, grace_s: float) -> bool:
        await self._channel.close(grace_s)
        if self._sidecar:
            await asyncio.to_thread(self._sidecar.stop)
        return await ended(self._threads, grace_s)
