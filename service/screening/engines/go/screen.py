"""`screen`: the index goes there once, and is named by its version from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import grpc.aio
import numpy as np

from service.gen.hotpath.v1 import kernels_pb2 as pb
from service.offload.remote.channel import Channel, call, service_errors
from service.packed import CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import Hits
from service.screening.engines.go.messages import SERVICE

_CHUNK_BYTES = 1 << 20


async def screen(
    channel: Channel,
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
    with service_errors():
        try:
            answer = await call(channel, timeout_s, SERVICE + "Screen", request, pb.ScreenResponse)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            # A sidecar that just started does not know the index yet.
            await _load_index(channel, timeout_s, index)
            answer = await call(channel, timeout_s, SERVICE + "Screen", request, pb.ScreenResponse)
    shape = (len(queries), limit)
    rows = np.frombuffer(answer.rows, dtype="<i4").reshape(shape)
    scores = np.frombuffer(answer.scores, dtype="<f8").reshape(shape)
    return (rows, scores), answer.compute_ns / 1e9


async def _load_index(channel: Channel, timeout_s: float, index: NameIndex) -> None:
    call = channel.grpc.stream_unary(
        SERVICE + "LoadIndex",
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
