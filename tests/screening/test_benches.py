"""What stands beside the sample's kernels does what they do."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from loadtests.bench.kernel import KernelBench, Peer
from service.offload.spec import default
from service.screening.benches import BENCHES, ScreeningOptions
from service.screening.engines import ENGINES

PEERS = [(bench, peer) for bench in BENCHES.kernels for peer in bench.peers]


@pytest.fixture(scope="module", params=PEERS, ids=lambda pair: f"{pair[0].name}-{pair[1].name}")
def answers(request: pytest.FixtureRequest) -> tuple[Peer, Any, Any, Any]:
    """The peer, its answer, the kernel's and the work."""
    bench: KernelBench
    bench, peer = request.param
    work = bench.draw(random.Random(7), ScreeningOptions()).first(200)
    kernel = getattr(default(ENGINES).load(), bench.name)
    call = bench.units[peer.unit](work)
    return peer, peer.prepare(work)(), kernel(*call.arguments), work


def test_a_peer_answers_as_the_kernel_does(answers) -> None:
    peer, answer, expected, work = answers
    assert peer.agrees(answer, expected, work)


def test_a_peer_that_answered_otherwise_would_be_found(answers) -> None:
    peer, answer, expected, work = answers
    if isinstance(expected, tuple):  # the hits of screen: one score is another
        rows, scores = expected
        other = np.array(scores)
        other[0, 0] -= 1e-6
        assert not peer.agrees(answer, (rows, other), work)
    elif isinstance(answer, list):
        assert not peer.agrees([not answer[0], *answer[1:]], expected, work)
    elif isinstance(answer, bytes):
        assert not peer.agrees(answer[:-1] + bytes([answer[-1] ^ 1]), expected, work)
    else:
        assert not peer.agrees(answer, expected, work.first(199))
