"""What stands beside the sample's kernels does what they do, and the pages are those of the
stored runs."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.bench import ladder, page
from loadtests.bench.kernel import KernelBench, Peer
from service.offload.spec import default
from service.screening.benches import BENCHES, ScreeningOptions
from service.screening.engines import ENGINES

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("kernels.md", lambda runs, copy: page.write(runs / "kernels.json", copy, BENCHES)),
        ("ladder.md", lambda runs, copy: ladder.write(runs / "standard", copy)),
    ],
)
def test_the_published_pages_are_those_of_the_stored_runs(tmp_path: Path, name: str, made) -> None:
    (tmp_path / "results").symlink_to(ROOT / "docs" / "results")
    copy = Path(shutil.copy(ROOT / "docs" / name, tmp_path))
    made(tmp_path / "results", copy)
    # The link to the raw data is relative to the page, which is another one here.
    stored = (ROOT / "docs" / name).read_text().splitlines()
    fresh = copy.read_text().splitlines()
    differ = [(a, b) for a, b in zip(stored, fresh, strict=True) if a != b]
    assert [a.partition("](")[0] for a, _ in differ] == [b.partition("](")[0] for _, b in differ]
    assert len(differ) <= 1
