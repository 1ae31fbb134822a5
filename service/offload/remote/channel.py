"""The gRPC channel to a sidecar."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
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
from service.offload.remote.breaker import AWAY, Breaker

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
    # Calls are made again in one place alone, which is `Channel.send`.
    ("grpc.enable_retries", 0),
]

HEALTH_TIMEOUT_S = 0.5  # one that does not say how it is within this time does not serve
_LOOK_S = 0.02  # between two looks at what a blocking wait may be given up for
RETRY_WITHIN_S = 0.5  # one that was killed serves again sooner


class Channel:
    """A connection to a sidecar.

    grpc: the channel itself, for what `call` is not made for.
    """

    def __init__(self, address: str, coalesce: bool) -> None:
        self.grpc = grpc.aio.insecure_channel(address, options=OPTIONS)
        self.batches = Batches(self.grpc) if coalesce else None
        self.breaker = Breaker(self._is_back)

    async def send(self, method: str, request: bytes, ends_at: float) -> bytes:
        """A unary call, once more where the sidecar went away meanwhile and is soon back.

        ends_at: by time.monotonic(). Raises: AioRpcError, UNAVAILABLE at once while the sidecar is
        known to be away.
        """
        if self.breaker.is_open:
            raise failure(grpc.StatusCode.UNAVAILABLE, "the sidecar is known to be away")
        try:
            return await self._send(method, request, ends_at)
        except grpc.aio.AioRpcError as error:
            within_s = min(RETRY_WITHIN_S, (ends_at - monotonic()) / 2)
            if not await self.breaker.may_retry(error.code(), within_s):
                raise
        return await self._send(method, request, ends_at)

    async def _send(self, method: str, request: bytes, ends_at: float) -> bytes:
        try:
            if self.batches:
                answer = await self.batches.call(method, request, ends_at)
            else:
                answer = await alone(self.grpc, method, request, ends_at)
        except grpc.aio.AioRpcError as error:
            self.breaker.failed(error.code())
            raise
        self.breaker.answered()
        return answer

    async def _is_back(self) -> bool:
        return await serving(self, wait_for_ready=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        await self.breaker.end()
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


async def serving(
    channel: Channel, timeout_s: float | None = None, *, wait_for_ready: bool = False
) -> bool:
    try:
        answer = await health_pb2_grpc.HealthStub(channel.grpc).Check(
            health_pb2.HealthCheckRequest(),
            timeout=timeout_s or HEALTH_TIMEOUT_S,
            wait_for_ready=wait_for_ready,
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def wait_until_serving(
    address: str, timeout_s: float, given_up: Callable[[], bool] = lambda: False
) -> None:
    """Blocking, for those who start a sidecar.

    given_up: asked again and again whether there is anything left to wait for.
    Raises: TimeoutError, also where it is given up.
    """
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        call = health_pb2_grpc.HealthStub(channel).Check.future(
            health_pb2.HealthCheckRequest(), timeout=timeout_s, wait_for_ready=True
        )
        while True:
            try:
                answer = call.result(_LOOK_S)
                break
            except grpc.FutureTimeoutError:
                if given_up():
                    call.cancel()
                    raise TimeoutError(f"no healthy sidecar at {address}: it ended") from None
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
        case code if code in AWAY:
            return ServiceError("engine_down", "the sidecar does not answer; retry")
        case grpc.StatusCode.FAILED_PRECONDITION:
            return ServiceError("engine_down", "the sidecar has just started anew; retry")
        case grpc.StatusCode.UNIMPLEMENTED:
            return ServiceError("engine_down", "the sidecar does not know this call; update it")
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
    answer = await channel.send(method, request.SerializeToString(), monotonic() + timeout_s)
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
