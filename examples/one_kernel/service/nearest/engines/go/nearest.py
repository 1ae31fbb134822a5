"""`nearest`: the places go with every call. Of many more of them, let the sidecar keep a copy that
a request names by its version."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.gen.hotpath.v1 import kernels_pb2 as pb
from service.nearest.contract.kernels import Found
from service.nearest.engines.go.messages import SERVICE
from service.offload.remote.channel import Channel, call, service_errors


async def nearest(
    channel: Channel,
    timeout_s: float,
    points: NDArray[np.float64],
    places: NDArray[np.float64],
) -> tuple[Found, float]:
    """Returns: what was found, and the seconds that the kernel took inside the sidecar."""
    request = pb.NearestRequest(points=points.tobytes(), places=places.tobytes())
    with service_errors():
        answer = await call(channel, timeout_s, SERVICE + "Nearest", request, pb.NearestResponse)
    rows = np.frombuffer(answer.rows, dtype="<i4")
    squares = np.frombuffer(answer.squares, dtype="<f8")
    return (rows, squares), answer.compute_ns / 1e9
