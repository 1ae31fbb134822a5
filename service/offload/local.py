"""How a call leaves the event loop within this machine: not at all, to a thread, to a process."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from time import perf_counter
from types import ModuleType
from typing import Any, Self

from service import deadlines
from service.errors import ServiceError
from service.offload.admission import Admission
from service.offload.job import FromBody, Held, Job, Outcome, Setup, execute
from service.offload.orphans import when_orphaned


class Inline:
    """On the event loop itself, which serves nobody else meanwhile. To be measured, not copied."""

    def __init__(self, module: ModuleType, held: Held) -> None:
        self._module, self._held = module, held

    @classmethod
    async def open(cls, setup: Setup) -> Self:
        return cls(setup.module, setup.held)

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        deadlines.remaining_s()
        return execute(self._module, self._held, job, raw)

    async def healthy(self) -> bool:
        return True

    async def close(self, grace_s: float) -> bool:  # noqa: ARG002  # nothing to wait for
        return True


class Pooled:
    """In a pool of threads or processes, behind a bounded queue."""

    def __init__(self, executor: Executor, workers: int, max_waiting: int) -> None:
        self._executor = executor
        self._admission = Admission(workers, max_waiting)

    async def _submit(self, function: Callable[..., Outcome], *args: Any) -> Outcome:
        self._admission.enter()
        start = perf_counter()
        try:
            future = self._executor.submit(function, *args)
        except BaseException:
            self._admission.leave()
            raise
        # A call whose caller gave up still holds its worker: it leaves when it is done.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _call_if_open(loop, self._admission.leave))
        outcome = await asyncio.wrap_future(future)
        elapsed = perf_counter() - start
        worked = outcome.prepare_s + outcome.kernel_s + outcome.finish_s
        return outcome._replace(queue_s=max(0.0, elapsed - worked))

    async def healthy(self) -> bool:
        return True

    async def close(self, grace_s: float) -> bool:
        return await ended(self._executor, grace_s)


async def ended(executor: Executor, grace_s: float) -> bool:
    """Shuts the executor down. Returns whether all of its calls ended in time."""
    loop, is_over = asyncio.get_running_loop(), asyncio.Event()

    def wait_for_all() -> None:
        executor.shutdown(wait=True, cancel_futures=True)
        _call_if_open(loop, is_over.set)

    # A daemon, so that waiting for a call that never ends does not keep the process alive.
    threading.Thread(target=wait_for_all, daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(is_over.wait(), grace_s)
    return is_over.is_set()


def _call_if_open(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop closed first, and with it everything that counts
        loop.call_soon_threadsafe(function)


class Threads(Pooled):
    """In a thread. Pays off where the kernel releases the GIL."""

    def __init__(self, module: ModuleType, held: Held, workers: int, max_waiting: int) -> None:
        super().__init__(ThreadPoolExecutor(workers, "kernel"), workers, max_waiting)
        self._module, self._held = module, held

    @classmethod
    async def open(cls, setup: Setup) -> Self:
        settings = setup.settings
        return cls(setup.module, setup.held, settings.threads, settings.max_waiting)

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        return await self._submit(execute, self._module, self._held, job, raw)


class Processes(Pooled):
    """In another process, which holds its own copy of `held`. Pays off where the GIL is kept."""

    def __init__(self, module: ModuleType, held: Held, workers: int, max_waiting: int) -> None:
        self._module, self._held, self._workers = module, held, workers
        super().__init__(self._pool(), workers, max_waiting)

    @classmethod
    async def open(cls, setup: Setup) -> Self:
        settings = setup.settings
        return cls(setup.module, setup.held, settings.processes, settings.max_waiting)

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            # fork would copy the locks of running threads (gRPC's among them) in any state.
            multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._module.__name__, dict(self._held)),
        )

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        executor = self._executor
        try:
            return await self._submit(_execute_in_worker, job, raw)
        except BrokenProcessPool as error:
            if self._executor is executor:  # the first to notice replaces the pool
                self._executor = self._pool()
                executor.shutdown(wait=False)
            raise ServiceError("engine_down", "a worker process died; retry") from error

    async def close(self, grace_s: float) -> bool:
        ended = await super().close(grace_s)
        if not ended:  # unlike a thread, a process can be ended
            for child in multiprocessing.active_children():
                child.kill()
        return True


_worker: tuple[ModuleType, Held]


def _start_worker(module: str, held: Held) -> None:
    global _worker
    _worker = importlib.import_module(module), held
    # A pool's workers would wait for ever: they hold both ends of their queue.
    when_orphaned(lambda: os._exit(1))


def _execute_in_worker(job: Job | FromBody, raw: tuple[Any, ...]) -> Outcome:
    return execute(*_worker, job, raw)
