"""The gRPC channel to a sidecar."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service import deadlines
from service.errors import ServiceError
from service.offload.remote.batches import Batches, alone, failure

Response = TypeVar("Response", bound=Message)

log = logging.getLogger("hotpath.sidecar")

START_TIMEOUT_S = 10.0
MAX_MESSAGE_BYTES = 64 << 20  # in either direction, as in the sidecar
OPTIONS = [
    # A sidecar is on this machine or beside it. What HTTP_PROXY and its kin say is about others.
    ("grpc.enable_http_proxy", 0),
    ("grpc.address_http_proxy_enabled_addresses", ""),
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        await self.grpc.close(grace)
        if self.batches:
            await self.batches.ended()


def connect(address: str, coalesce: bool = True) -> Channel:
    """To be called on the event loop that will use it, once per process, after any fork.

    coalesce: calls of one turn of the loop travel together.
    """
    return Channel(address, coalesce)


async def wait_until_open(channel: Channel, address: str) -> None:
    """Raises: ServiceError engine_down, after START_TIMEOUT_S, or in a request after half of what
    is left of its time, which leaves some for the answer."""
    timeout_s = deadlines.remaining_s(2 * START_TIMEOUT_S) / 2
    _announce(address, timeout_s)
    try:
        answer = await health_pb2_grpc.HealthStub(channel.grpc).Check(
            health_pb2.HealthCheckRequest(), timeout=timeout_s, wait_for_ready=True
        )
    except grpc.aio.AioRpcError as error:
        raise _missing(address, timeout_s, error) from error
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise _missing(address, timeout_s, "it says that it does not serve")


def require(address: str) -> None:
    """Blocking, ahead of a server's start. Raises: ServiceError engine_down."""
    _announce(address, START_TIMEOUT_S)
    try:
        wait_until_serving(address, START_TIMEOUT_S)
    except TimeoutError as error:
        raise _missing(address, START_TIMEOUT_S, error) from error


def _announce(address: str, timeout_s: float) -> None:
    log.info("waiting for the sidecar at %s, %.1f s at most", address, timeout_s)


def _missing(address: str, timeout_s: float, reason: object) -> ServiceError:
    if isinstance(reason, grpc.aio.AioRpcError):
        reason = reason.details()
    return ServiceError(
        "engine_down",
        f"sidecar: expected one that serves at {address} within {timeout_s:.1f} s ({reason})",
    )


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
            reason = getattr(error, "details", error.__str__)()  # the stubs don't have it
            raise TimeoutError(f"no healthy sidecar at {address}: {reason}") from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise TimeoutError(f"the sidecar at {address} does not serve")


def _as_service_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """What the caller is told of a failed remote call."""
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return deadlines.exceeded()
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return ServiceError("engine_down", "the sidecar does not answer; retry")
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in str(error.details()):
            # No repetition would help. Both ends of gRPC say it in these words.
            return ServiceError(
                "body_too_large",
                "body: expected one that, packed for the sidecar, has at most "
                f"{MAX_MESSAGE_BYTES} bytes, and so its answer; got more",
            )
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
