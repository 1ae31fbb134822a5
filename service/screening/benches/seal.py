"""seal, beside a loop over hashlib."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from random import Random
from typing import Any

from loadtests.bench.kernel import Call, KernelBench, Peer, Work
from service.packed import Blobs

RECORDS = 1000
RECORD_BYTES = 200  # about a payment in JSON


def draw(rng: Random, _: Any) -> Work:
    return Work([base64.b64encode(rng.randbytes(RECORD_BYTES * 3 // 4)) for _ in range(RECORDS)])


def records(work: Work) -> Call:
    return Call((Blobs.pack(work.items),), len(work.items))


def loop(work: Work) -> Callable[[], bytes]:
    """The Merkle tree hash as one would write it: one hashlib call for each node."""

    def root() -> bytes:
        level = [hashlib.sha256(b"\0" + record).digest() for record in work.items]
        while len(level) > 1:
            pairs = [
                hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest()
                for i in range(0, len(level) - 1, 2)
            ]
            # An odd node rises as it is, which gives the tree of RFC 9162.
            level = pairs + level[len(level) & ~1 :]
        return level[0]

    return root


SEAL = KernelBench(
    name="seal",
    draw=draw,
    units={"record": records},
    peers=(
        Peer(
            name="hashlib",
            package=None,
            unit="record",
            prepare=loop,
            agrees=lambda root, sealed, _: bool(root == sealed),
            is_yardstick=True,
        ),
    ),
)
