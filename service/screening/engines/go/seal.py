"""`seal` and `prove`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.gen.hotpath.v1 import kernels_pb2 as pb
from service.offload.remote.channel import Channel, call, service_errors
from service.packed import Blobs
from service.screening.engines.go.messages import SERVICE, packed


async def seal(channel: Channel, timeout_s: float, records: Blobs) -> tuple[bytes, float]:
    """Returns: the root, and the seconds that the kernel took inside the sidecar."""
    request = pb.SealRequest(records=packed(records))
    with service_errors():
        answer = await call(channel, timeout_s, SERVICE + "Seal", request, pb.SealResponse)
    return answer.root, answer.compute_ns / 1e9


async def prove(
    channel: Channel, timeout_s: float, records: Blobs, places: NDArray[np.int32]
) -> tuple[list[bytes], float]:
    """Returns: the proofs, and the seconds that the kernel took inside the sidecar."""
    request = pb.ProveRequest(records=packed(records), places=places.tobytes())
    with service_errors():
        answer = await call(channel, timeout_s, SERVICE + "Prove", request, pb.ProveResponse)
    return list(answer.proofs), answer.compute_ns / 1e9
