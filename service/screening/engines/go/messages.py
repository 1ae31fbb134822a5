"""What the kernels' messages have in common."""

from __future__ import annotations

from service.gen.hotpath.v1 import kernels_pb2 as pb
from service.packed import Blobs

SERVICE = "/hotpath.v1.Kernels/"


def packed(blobs: Blobs) -> pb.Blobs:
    return pb.Blobs(offsets=blobs.offsets.tobytes(), data=blobs.data.tobytes())
