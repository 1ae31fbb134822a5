"""Calls of one turn of the event loop travel to the sidecar as one RPC, and are answered one by
one: an RPC costs its caller many times what a small call does."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from service.gen.hotpath.batches.v1 import batches_pb2 as pb

log = logging.getLogger("hotpath.sidecar")

METHOD = "/hotpath.batches.v1.Batches/Run"

FEWEST_CALLS = 6  # one RPC of fewer costs more than one for each, in CPU time of the caller
LONE_BYTES = 64 << 10  # a request of so many costs more than its RPC: it travels alone
MOST_BYTES = 256 << 10  # of the requests in one RPC
MOST_CALLS = 64
MOST_SPREAD = 2.0  # of the times left in one RPC, the longest by the shortest
RETRY_S = 60.0  # a sidecar that had no batches may have been replaced

Run = grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
Answer = bytes | grpc.aio.AioRpcError | None  # None: the call is to be made alone
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def failure(code: grpc.StatusCode, details: str | None) -> grpc.aio.AioRpcError:
    """As grpc raises it for a call alone."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


async def alone(channel: grpc.aio.Channel, method: str, request: bytes, ends_at: float) -> bytes:
    """A plain call. ends_at: by time.monotonic(). Raises: AioRpcError."""
    unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    return await unary(request, timeout=ends_at - monotonic())


@dataclass(slots=True)
class Travelled:
    """How many calls left in how many RPCs. by_size: the RPCs by how many calls they held, under
    the upper bounds 1, 2, 4 and so on."""

    calls: int = 0
    rpcs: int = 0
    by_size: Counter[int] = field(default_factory=Counter)

    def count(self, size: int) -> None:
        self.calls += size
        self.rpcs += 1
        self.by_size[1 << (size - 1).bit_length()] += 1


class _Call:
    __slots__ = ("answer", "batch", "ends_at", "method", "request")

    def __init__(
        self, method: str, request: bytes, ends_at: float, answer: asyncio.Future[Answer]
    ) -> None:
        self.method, self.request, self.ends_at, self.answer = method, request, ends_at, answer
        self.batch: _Batch | None = None

    def settle(self, answer: Answer) -> None:
        """Only the first one counts."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, code: grpc.StatusCode, details: str | None) -> None:
        # A result, because an exception would be logged where its caller gave up just now.
        if not self.answer.done():
            self.answer.set_result(failure(code, details))


class Batches:
    """What one channel's calls leave by. To be used on one event loop."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.travelled = Travelled()
        self._channel = channel
        self._run: Run = channel.unary_stream(METHOD)
        self._inside = 0  # calls
        self._turn: list[_Call] = []
        self._under_way: set[asyncio.Task[None]] = set()
        self._unserved_until = 0.0

    async def call(self, method: str, request: bytes, ends_at: float) -> bytes:
        """As `alone`, or in company."""
        self._inside += 1
        try:
            # One that has no other beside it would wait for the end of its turn in vain.
            if self._inside > 1 and len(request) < LONE_BYTES and self._is_served():
                answer = await self._together(method, request, ends_at)
                if answer is not None:
                    return answer
            else:
                self.travelled.count(1)
            return await alone(self._channel, method, request, ends_at)
        finally:
            self._inside -= 1

    async def _together(self, method: str, request: bytes, ends_at: float) -> bytes | None:
        """None where it is to be made alone."""
        loop = asyncio.get_running_loop()
        call = _Call(method, request, ends_at, loop.create_future())
        if not self._turn:
            loop.call_soon(self._depart)
        self._turn.append(call)
        try:
            answer = await call.answer
        except asyncio.CancelledError:
            if call.batch:
                call.batch.end_if_unwanted()
            raise
        if isinstance(answer, grpc.aio.AioRpcError):
            raise answer
        return answer

    def _is_served(self) -> bool:
        return monotonic() >= self._unserved_until

    def _depart(self) -> None:
        turn, self._turn = self._turn, []
        for calls in cut([call for call in turn if not call.answer.done()]):
            if len(calls) < FEWEST_CALLS:
                for call in calls:
                    self.travelled.count(1)
                    call.settle(None)
                continue
            self.travelled.count(len(calls))
            task = asyncio.get_running_loop().create_task(self._travel(calls))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _travel(self, calls: Sequence[_Call]) -> None:
        if all(call.answer.done() for call in calls):  # cancelled since they left
            return
        code, details = grpc.StatusCode.INTERNAL, "the sidecar left calls of a batch unanswered"
        try:
            await _Batch(calls, self._run).travel()
        except grpc.aio.AioRpcError as error:
            code, details = error.code(), error.details() or ""
            if code is grpc.StatusCode.UNIMPLEMENTED:
                self._make_alone(calls)
        except asyncio.CancelledError:  # by the channel's end, or because nobody waits
            code, details = grpc.StatusCode.CANCELLED, "the batch was cancelled"
        finally:  # whatever happened, nobody waits for ever
            for call in calls:
                call.fail(code, details)

    def _make_alone(self, calls: Sequence[_Call]) -> None:
        if not self._unserved_until:
            log.warning("the sidecar has no batches of calls: they leave one by one; update it")
        self._unserved_until = monotonic() + RETRY_S
        for call in calls:
            call.settle(None)

    async def ended(self) -> None:
        """Waits for all that is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)


def cut(calls: list[_Call]) -> Iterator[list[_Call]]:
    """Into those that may travel together: bounded in count and bytes, and with deadlines that
    differ little, as one RPC has but one."""
    now = monotonic()
    calls.sort(key=lambda call: call.ends_at)
    part: list[_Call] = []
    size, last_ends_at = 0, 0.0
    for call in calls:
        if part and (
            len(part) == MOST_CALLS
            or size + len(call.request) > MOST_BYTES
            or call.ends_at > last_ends_at
        ):
            yield part
            part = []
        if not part:
            size, last_ends_at = 0, now + MOST_SPREAD * (call.ends_at - now)
        part.append(call)
        size += len(call.request)
    if part:
        yield part


class _Batch:
    """Calls that are under way as one RPC."""

    def __init__(self, calls: Sequence[_Call], run: Run) -> None:
        self._calls = calls
        now = monotonic()
        batch = pb.Batch(
            calls=[
                pb.Call(
                    method=call.method,
                    request=call.request,
                    timeout_us=max(0, int((call.ends_at - now) * 1e6)),
                )
                for call in calls
            ]
        )
        self._stream = run(
            batch.SerializeToString(),
            timeout=calls[-1].ends_at - now,  # they are in this order
        )
        self._timer = self._next_deadline()
        for call in calls:
            call.batch = self

    async def travel(self) -> None:
        """Until all are answered, or the stream ends. Raises: AioRpcError, CancelledError."""
        try:
            while not self._is_over():
                answers = await self._stream.read()
                if not isinstance(answers, bytes):  # EOF
                    return
                for answer in pb.Answers.FromString(answers).answers:
                    self._take(answer)
        except DecodeError:
            self._stream.cancel()
        finally:
            self._timer.cancel()

    def _is_over(self) -> bool:
        return all(call.answer.done() for call in self._calls)

    def _take(self, answer: pb.Answer) -> None:
        if answer.call >= len(self._calls):
            return
        call = self._calls[answer.call]
        if answer.code:
            call.fail(_CODES.get(answer.code, grpc.StatusCode.UNKNOWN), answer.message)
        else:
            call.settle(answer.response)

    def _next_deadline(self) -> asyncio.TimerHandle:
        ends_at = min(call.ends_at for call in self._calls if not call.answer.done())
        return asyncio.get_running_loop().call_later(ends_at - monotonic(), self._expire)

    def _expire(self) -> None:
        now = monotonic()
        for call in self._calls:
            if call.ends_at <= now:
                call.fail(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        self.end_if_unwanted()
        if not self._is_over():
            self._timer = self._next_deadline()

    def end_if_unwanted(self) -> None:
        """Where nobody waits for an answer any more, the sidecar may stop as well."""
        if self._is_over():
            self._stream.cancel()
