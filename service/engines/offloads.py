"""How a call leaves the event loop, and what happens when too many want to."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import grpc
import grpc.aio

from service.engines import deadline
from service.engines.orphans import when_orphaned
from service.errors import ServiceError

Held = Mapping[str, Any]
"""What stays with an engine between calls, by name; the process offload copies it once."""


Call = tuple[str, tuple[Any, ...]]
"""A kernel's name and its arguments."""


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work: shared code before the kernels, the kernels, shared code after them.

    The functions are module-level and pure, so that all of it can run in a process.
    """

    prepare: Callable[..., Sequence[Call]]  # (held, *raw) -> the kernels to call, in order
    finish: Callable[..., Any]  # (held, the calls, their results, *raw) -> the answer
    is_light: Callable[..., bool]  # (*raw) -> both take less than about a millisecond


class Outcome(NamedTuple):
    answer: Any  # what Job.finish gave: bytes that go out as they are, most often
    prepare_s: float = 0.0
    kernel_s: float = 0.0
    finish_s: float = 0.0
    queue_s: float = 0.0  # waiting for a worker, and the way there and back
    rpc_s: float = 0.0  # the remote call less the kernel


class Offload(Protocol):
    async def run(self, job: Job, *raw: Any) -> Outcome:
        """Raises: ServiceError overloaded, engine_down, deadline_exceeded; what prepare raises."""
        ...

    async def healthy(self) -> bool: ...

    async def close(self, grace_s: float) -> bool:
        """Waits for the calls inside. Returns whether all of them ended in time."""
        ...


def _execute(module: ModuleType, held: Held, job: Job, raw: tuple[Any, ...]) -> Outcome:
    start = perf_counter()
    calls = job.prepare(held, *raw)
    prepared = perf_counter()
    results = [getattr(module, kernel)(*arguments) for kernel, arguments in calls]
    computed = perf_counter()
    answer = job.finish(held, calls, results, *raw)
    return Outcome(
        answer, prepared - start, computed - prepared, finish_s=perf_counter() - computed
    )


class Inline:
    """On the event loop itself, which serves nobody else meanwhile. To be measured, not copied."""

    def __init__(self, module: ModuleType, held: Held) -> None:
        self._module, self._held = module, held

    async def run(self, job: Job, *raw: Any) -> Outcome:
        deadline.remaining_s()
        return _execute(self._module, self._held, job, raw)

    async def healthy(self) -> bool:
        return True

    async def close(self, grace_s: float) -> bool:  # noqa: ARG002  # nothing to wait for
        return True


class Admission:
    """A count of the calls inside, with a limit: a queue without one only hides overload."""

    def __init__(self, workers: int, max_waiting: int) -> None:
        self._limit = workers + max_waiting
        self._inside = 0

    def enter(self) -> None:
        if self._inside >= self._limit:
            raise ServiceError(
                "overloaded",
                f"all workers are busy and {self._limit} calls are inside; retry later",
            )
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1


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
        return await _ended(self._executor, grace_s)


async def _ended(executor: Executor, grace_s: float) -> bool:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait_for_all() -> None:
        executor.shutdown(wait=True, cancel_futures=True)
        _call_if_open(loop, ended.set)

    # A daemon, so that waiting for a call that never ends does not keep the process alive.
    threading.Thread(target=wait_for_all, daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(ended.wait(), grace_s)
    return ended.is_set()


def _call_if_open(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop closed first, and with it everything that counts
        loop.call_soon_threadsafe(function)


class Threads(Pooled):
    """In a thread. Pays off where the kernel releases the GIL."""

    def __init__(self, module: ModuleType, held: Held, workers: int, max_waiting: int) -> None:
        super().__init__(ThreadPoolExecutor(workers, "kernel"), workers, max_waiting)
        self._module, self._held = module, held

    async def run(self, job: Job, *raw: Any) -> Outcome:
        return await self._submit(_execute, self._module, self._held, job, raw)


class Processes(Pooled):
    """In another process, which holds its own copy of `held`. Pays off where the GIL is kept."""

    def __init__(self, module: ModuleType, held: Held, workers: int, max_waiting: int) -> None:
        self._module, self._held, self._workers = module, held, workers
        super().__init__(self._pool(), workers, max_waiting)

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            # fork would copy the locks of running threads (gRPC's among them) in any state.
            multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._module.__name__, dict(self._held)),
        )

    async def run(self, job: Job, *raw: Any) -> Outcome:
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


def _execute_in_worker(job: Job, raw: tuple[Any, ...]) -> Outcome:
    return _execute(*_worker, job, raw)


class Rpc:
    """In the sidecar.

    A kernel is `async (channel, timeout_s, *arguments) -> (result, compute_s)`.
    """

    def __init__(
        self,
        module: ModuleType,
        held: Held,
        channel: grpc.aio.Channel,
        health: Callable[[grpc.aio.Channel], Any],
        workers: int,
        max_waiting: int,
    ) -> None:
        self._module, self._held = module, held
        self._channel, self._health = channel, health
        self._admission = Admission(workers, max_waiting)
        self._threads = ThreadPoolExecutor(workers, "rpc-shared-code")

    async def run(self, job: Job, *raw: Any) -> Outcome:
        self._admission.enter()
        try:
            light = job.is_light(*raw)
            start = perf_counter()
            calls = await self._shared(light, job.prepare, self._held, *raw)
            prepared = perf_counter()
            results, compute_s = [], 0.0
            for kernel, arguments in calls:
                result, seconds = await getattr(self._module, kernel)(
                    self._channel, deadline.remaining_s(), *arguments
                )
                results.append(result)
                compute_s += seconds
            computed = perf_counter()
            answer = await self._shared(light, job.finish, self._held, calls, results, *raw)
            return Outcome(
                answer,
                prepared - start,
                compute_s,
                finish_s=perf_counter() - computed,
                rpc_s=computed - prepared - compute_s,
            )
        finally:
            self._admission.leave()

    async def _shared(self, light: bool, function: Callable[..., Any], *args: Any) -> Any:
        if light:  # the way to a thread and back would cost more
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    async def healthy(self) -> bool:
        return bool(await self._health(self._channel))

    async def close(self, grace_s: float) -> bool:
        await self._channel.close(grace=grace_s)
        return await _ended(self._threads, grace_s)
