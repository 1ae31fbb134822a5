"""A sidecar that does as it is told: a gRPC server with one call, from a text to a text, and with
batches of it, on a real socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2

from service.gen.hotpath.batches.v1 import batches_pb2 as pb
from service.offload.remote.batches import METHOD as BATCH
from service.offload.remote.channel import Channel, call, connect

REPLY = "/toy.Texts/Reply"
HEALTH = "/grpc.health.v1.Health/Check"

Run = Callable[[pb.Batch, grpc.aio.ServicerContext], AsyncIterator[bytes]]


class Refused(Exception):
    """A status, in the words of gRPC."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        self.code, self.message = code, message


def encoded(text: str) -> bytes:
    return StringValue(value=text).SerializeToString()


async def shout(text: str) -> str:
    return text.upper()


def already() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Peer(grpc.GenericRpcHandler):  # type: ignore[misc]  # the stubs have it as Any
    """reply: gives the answer or raises Refused.
    batched: whether it knows batches. run: how it answers them, instead of as the contract says.
    encode: makes the messages of plain answers.
    is_well: says SERVING, once it is set.
    """

    reply: Callable[[str], Awaitable[str]] = shout
    batched: bool = True
    run: Run | None = None
    encode: Callable[[str], bytes] = encoded
    is_well: asyncio.Event = field(default_factory=already)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)  # that a batch did
    asked: Counter[str] = field(default_factory=Counter)  # RPCs by method
    singles: list[str] = field(default_factory=list)  # the texts that came alone
    batches: list[list[str]] = field(default_factory=list)  # and those that came together
    timeouts_s: list[float] = field(default_factory=list)  # of the calls that came together

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        self.asked[details.method] += 1
        if details.method == REPLY:
            return grpc.unary_unary_rpc_method_handler(self._single)
        if details.method == BATCH and self.batched:
            return grpc.unary_stream_rpc_method_handler(self._batch)
        if details.method == HEALTH:
            return grpc.unary_unary_rpc_method_handler(self._health)
        return None

    async def _health(self, _request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
        await self.is_well.wait()
        status = health_pb2.HealthCheckResponse.SERVING
        return health_pb2.HealthCheckResponse(status=status).SerializeToString()

    async def _single(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        text = StringValue.FromString(request).value
        self.singles.append(text)
        try:
            return self.encode(await self.reply(text))
        except Refused as refused:
            await context.abort(refused.code, refused.message)

    async def _batch(
        self, request: bytes, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[bytes]:
        batch = pb.Batch.FromString(request)
        assert {call.method for call in batch.calls} == {REPLY}
        self.batches.append([text_of(call) for call in batch.calls])
        self.arrived.set()
        self.timeouts_s += [call.timeout_us / 1e6 for call in batch.calls]
        if self.run:
            async for answers in self.run(batch, context):
                yield answers
            return
        pending = [self._answer(place, call) for place, call in enumerate(batch.calls)]
        for answered in asyncio.as_completed(pending):
            yield pb.Answers(answers=[await answered]).SerializeToString()

    async def _answer(self, place: int, call: pb.Call) -> pb.Answer:
        try:
            text = await self.reply(text_of(call))
        except Refused as refused:
            return pb.Answer(call=place, code=refused.code.value[0], message=refused.message)
        return pb.Answer(call=place, response=encoded(text))


def text_of(call: pb.Call) -> str:
    return StringValue.FromString(call.request).value


async def ask(channel: Channel, text: str, timeout_s: float = 60) -> str:
    return (await call(channel, timeout_s, REPLY, StringValue(value=text), StringValue)).value


async def serve(peer: Peer, address: str) -> grpc.aio.Server:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([peer])
    server.add_insecure_port(address)
    await server.start()
    return server


@asynccontextmanager
async def connected(
    peer: Peer, coalesce: bool = True
) -> AsyncIterator[tuple[Channel, grpc.aio.Server]]:
    with tempfile.TemporaryDirectory(prefix="hotpath-") as folder:  # short enough for a socket
        address = f"unix:{folder}/s"
        server = await serve(peer, address)
        channel = connect(address, coalesce)
        try:
            yield channel, server
        finally:
            await channel.close()
            await server.stop(0)
