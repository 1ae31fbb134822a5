"""What an engine is given to do, and how a call may leave the event loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from types import ModuleType
from typing import Any, NamedTuple, Protocol, Self

from service.offload.spec import EngineSpec
from service.settings import Settings

Held = Mapping[str, Any]
"""What stays with an engine between calls, by name; the process offload copies it once."""

Results = Mapping[str, Any]
"""What the kernels gave, by name."""


class Work(NamedTuple):
    """What a job's preparation found: the kernels to call, in order, with their arguments, and
    what the job keeps for its end."""

    calls: Mapping[str, tuple[Any, ...]]
    kept: Any = None


class Cost(NamedTuple):
    """What a call is expected to take, in seconds of one core, with a compiled engine."""

    shared_s: float  # before the kernels and after them
    kernels_s: float


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work: shared code before the kernels, the kernels, shared code after them.

    The functions are module-level and pure, so that all of it can run in a process.

    cost: a guess before the work; what calls really take corrects it.
    rehearsal: what it is run with when an engine is opened, so that one that cannot work is found
        then, and the first caller does not wait for its preparation.
    """

    name: str
    prepare: Callable[..., Work]  # (held, *raw)
    finish: Callable[..., Any]  # (held, kept, results, *raw) -> the answer
    cost: Callable[..., Cost]  # (held, *raw)
    rehearsal: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class FromBody:
    """A job whose raw input is the request's body and whose answer is the response's, by one call
    of a kernel that not every engine has.

    The kernel takes the body, a time in seconds, and the arguments. It gives the answer; None
    where the body is not plainly valid, which is for the other way to word; or, instead of work
    that is expected to take longer than the time, the seconds expected.

    arguments: (held) -> what the kernel takes behind body and time.
    rehearsal: a body.
    """

    name: str
    kernel: str
    arguments: Callable[[Held], tuple[Any, ...]]
    rehearsal: bytes

    def prepare(self, held: Held, body: bytes, within_s: float) -> Work:
        return Work({self.kernel: (body, within_s, *self.arguments(held))})

    def finish(self, _held: Held, _kept: None, results: Results, *_raw: object) -> Any:
        return results[self.kernel]


class Outcome(NamedTuple):
    answer: Any  # what Job.finish gave: bytes that go out as they are, most often
    prepare_s: float = 0.0
    kernel_s: float = 0.0
    finish_s: float = 0.0
    queue_s: float = 0.0  # waiting for a worker, and the way there and back
    rpc_s: float = 0.0  # the remote call less the kernel


class Setup(NamedTuple):
    """What an offload is made of."""

    spec: EngineSpec
    module: ModuleType  # the engine's kernels
    held: Held
    settings: Settings


class Offload(Protocol):
    @classmethod
    async def open(cls, setup: Setup) -> Self:
        """Raises: ServiceError engine_down."""
        ...

    async def run(self, job: Job | FromBody, *raw: Any) -> Outcome:
        """Raises: ServiceError overloaded, engine_down, deadline_exceeded; what prepare raises."""
        ...

    async def healthy(self) -> bool: ...

    async def close(self, grace_s: float) -> bool:
        """Waits for the calls inside. Returns whether all of them ended in time."""
        ...


def execute(module: ModuleType, held: Held, job: Job | FromBody, raw: tuple[Any, ...]) -> Outcome:
    """The whole job, here and now."""
    start = perf_counter()
    work = job.prepare(held, *raw)
    prepared = perf_counter()
    results = {
        kernel: getattr(module, kernel)(*arguments) for kernel, arguments in work.calls.items()
    }
    computed = perf_counter()
    answer = job.finish(held, work.kept, results, *raw)
    return Outcome(
        answer, prepared - start, computed - prepared, finish_s=perf_counter() - computed
    )
