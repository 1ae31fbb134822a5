"""The go engine, client side: the kernels as calls to the sidecar."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import grpc
import grpc.aio
import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from service.errors import ServiceError
from service.gen.hotpath.v1 import kernels_pb2 as pb
from service.offload.remote.channel import as_service_error
from service.packed import Blobs, CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import Hits, PaymentColumns
from service.screening.contract.payment_rules import RuleTables

_SERVICE = "/hotpath.v1.Kernels/"
_CHUNK_BYTES = 1 << 20
_Response = TypeVar("_Response", bound=Message)


async def screen(
    channel: grpc.aio.Channel,
    timeout_s: float,
    queries: CodePoints,
    index: NameIndex,
    cutoff: float,
    limit: int,
) -> tuple[Hits, float]:
    """Returns: the hits, and the seconds that the kernel took inside the sidecar."""
    request = pb.ScreenRequest(
        index_version=index.version,
        queries=pb.CodePoints(offsets=queries.offsets.tobytes(), data=queries.data.tobytes()),
        cutoff=cutoff,
        limit=limit,
    )
    with _service_errors():
        try:
            answer = await _call(channel, timeout_s, "Screen", request, pb.ScreenResponse)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            # A sidecar that just started does not know the index yet.
            await _load_index(channel, timeout_s, index)
            answer = await _call(channel, timeout_s, "Screen", request, pb.ScreenResponse)
    shape = (len(queries), limit)
    rows = np.frombuffer(answer.rows, dtype="<i4").reshape(shape)
    scores = np.frombuffer(answer.scores, dtype="<f8").reshape(shape)
    return (rows, scores), answer.compute_ns / 1e9


async def validate(
    channel: grpc.aio.Channel, timeout_s: float, payments: PaymentColumns, rules: RuleTables
) -> tuple[NDArray[np.uint32], float]:
    """Returns: the broken rules, and the seconds that the kernel took inside the sidecar.

    Raises: ServiceError engine_down, where the sidecar was built with other rules.
    """
    request = pb.ValidateRequest(
        rules_version=rules.version,
        end_to_end_id=_packed(payments.end_to_end_id),
        debtor_iban=_packed(payments.debtor_iban),
        creditor_iban=_packed(payments.creditor_iban),
        creditor_bic=_packed(payments.creditor_bic),
        currency=_packed(payments.currency),
        amount=_packed(payments.amount),
    )
    with _service_errors():
        try:
            answer = await _call(channel, timeout_s, "Validate", request, pb.ValidateResponse)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            # Unlike an index, rules cannot be sent: asking again would not help.
            raise ServiceError(
                "engine_down",
                "the sidecar was built with other payment rules than the service; update it",
            ) from error
    return np.frombuffer(answer.violations, dtype="<u4"), answer.compute_ns / 1e9


async def seal(channel: grpc.aio.Channel, timeout_s: float, records: Blobs) -> tuple[bytes, float]:
    """Returns: the root, and the seconds that the kernel took inside the sidecar."""
    request = pb.SealRequest(records=_packed(records))
    with _service_errors():
        answer = await _call(channel, timeout_s, "Seal", request, pb.SealResponse)
    return answer.root, answer.compute_ns / 1e9


async def prove(
    channel: grpc.aio.Channel, timeout_s: float, records: Blobs, places: NDArray[np.int32]
) -> tuple[list[bytes], float]:
    """Returns: the proofs, and the seconds that the kernel took inside the sidecar."""
    request = pb.ProveRequest(records=_packed(records), places=places.tobytes())
    with _service_errors():
        answer = await _call(channel, timeout_s, "Prove", request, pb.ProveResponse)
    return list(answer.proofs), answer.compute_ns / 1e9


def _packed(blobs: Blobs) -> pb.Blobs:
    return pb.Blobs(offsets=blobs.offsets.tobytes(), data=blobs.data.tobytes())


async def _call(
    channel: grpc.aio.Channel,
    timeout_s: float,
    method: str,
    request: Message,
    response: type[_Response],
) -> _Response:
    """Raises: AioRpcError."""
    call = channel.unary_unary(
        _SERVICE + method, type(request).SerializeToString, response.FromString
    )
    # Waiting for a channel that reconnects takes no longer than the deadline.
    answer: _Response = await call(request, timeout=timeout_s, wait_for_ready=True)
    return answer


@contextmanager
def _service_errors() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise as_service_error(error) from error


async def _load_index(channel: grpc.aio.Channel, timeout_s: float, index: NameIndex) -> None:
    call = channel.stream_unary(
        _SERVICE + "LoadIndex",
        pb.LoadIndexRequest.SerializeToString,
        pb.LoadIndexResponse.FromString,
    )

    async def parts() -> AsyncIterator[pb.LoadIndexRequest]:
        yield pb.LoadIndexRequest(
            header=pb.IndexHeader(
                version=index.version,
                names=len(index),
                code_points=len(index.data),
                planes=len(index.planes),
            )
        )
        for array in index.arrays():
            content = memoryview(array.tobytes())
            for start in range(0, len(content), _CHUNK_BYTES):
                yield pb.LoadIndexRequest(chunk=bytes(content[start : start + _CHUNK_BYTES]))

    await call(parts(), timeout=timeout_s)
