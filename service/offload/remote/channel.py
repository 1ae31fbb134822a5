"""The gRPC channel to a sidecar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service import deadlines
from service.errors import ServiceError
from service.offload.remote.batches import Batches, alone, failure

Response = TypeVar("Response", bound=Message)

MAX_MESSAGE_BYTES = 64 << 20
OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A restarted sidecar is found again in tens of milliseconds instead of seconds.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 250),
]


class Channel:
    """A connection to a sidecar.

    grpc: the channel itself, for what `call` is not made for.
    """

    def __init__(self, address: str, coalesce: bool) -> None:
        self.grpc = grpc.aio.insecure_channel(address, options=OPTIONS)
        self.batches = Batches(self.grpc) if coalesce else None

    async def close(self, grace: float | None = None) -> None:
        await self.grpc.close(grace)
        if self.batches:
            await self.batches.ended()


def connect(address: str, coalesce: bool = True) -> Channel:
    """To be called on the event loop that will use it, once per process, after any fork.

    coalesce: calls of one turn of the loop travel together.
    """
    return Channel(address, coalesce)


async def serving(channel: Channel, timeout_s: float = 0.5) -> bool:
    try:
        answer = await health_pb2_grpc.HealthStub(channel.grpc).Check(
            health_pb2.HealthCheckRequest(), timeout=timeout_s
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def wait_until_serving(address: str, timeout_s: float) -> None:
    """Blocking, for those who start a sidecar. Raises TimeoutError."""
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout_s, wait_for_ready=True
            )
        except grpc.RpcError as error:
            raise TimeoutError(f"no healthy sidecar at {address}: {error}") from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise TimeoutError(f"the sidecar at {address} does not serve")


def _as_service_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """What the caller is told of a failed remote call."""
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return deadlines.exceeded()
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return ServiceError("engine_down", "the sidecar does not answer; retry")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return ServiceError("overloaded", "the sidecar is at its limit; retry later")
    return ServiceError("internal", "the sidecar failed")


async def call(
    channel: Channel,
    timeout_s: float,
    method: str,
    request: Message,
    response: type[Response],
) -> Response:
    """A unary call. method: its whole path. Raises: AioRpcError."""
    content, ends_at = request.SerializeToString(), monotonic() + timeout_s
    if channel.batches:
        answer = await channel.batches.call(method, content, ends_at)
    else:
        answer = await alone(channel.grpc, method, content, ends_at)
    try:
        return response.FromString(answer)
    except DecodeError as error:
        raise failure(
            grpc.StatusCode.INTERNAL, f"expected {response.DESCRIPTOR.full_name}, got other bytes"
        ) from error


@contextmanager
def service_errors() -> Iterator[None]:
    """What goes wrong inside with a call, as the caller is told of it."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _as_service_error(error) from error
