"""screen, beside RapidFuzz."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from loadtests.bench.kernel import Call, KernelBench, Peer, Work
from service.packed import CodePoints
from service.screening import watchlist
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import Hits
from service.screening.names import normalize

if TYPE_CHECKING:
    from service.screening.benches import ScreeningOptions

QUERIES = 64
LIMIT = 5
ROUNDING = 1e-9  # cdist's scores may differ from JaroWinkler.similarity in their last bits


@dataclass(frozen=True, slots=True)
class Searched:
    names: list[str]
    index: NameIndex
    cutoff: float


def draw(rng: Random, options: ScreeningOptions) -> Work:
    """Half of the queries are list names with an edit, half words of the list put together anew."""
    found = watchlist.load(options.directory)
    names = [entry.normalized for entry in found.entries]
    words = [word for name in rng.sample(names, 500) for word in name.split()]
    queries = []
    for name in rng.sample(names, QUERIES // 2):
        place = rng.randrange(len(name))
        queries.append(normalize(name[:place] + rng.choice("aeinrst") + name[place + 1 :]))
        queries.append(normalize(" ".join(rng.sample(words, rng.choice((2, 2, 3, 3, 4))))))
    return Work(queries, Searched(names, found.index, options.cutoff))


def pairs(work: Work) -> Call:
    searched: Searched = work.held
    arguments = (CodePoints.pack(work.items), searched.index, searched.cutoff, LIMIT)
    return Call(arguments, len(work.items) * len(searched.names))


def cdist(work: Work) -> Callable[[], Any]:
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    return lambda: process.cdist(
        work.items,
        work.held.names,
        scorer=JaroWinkler.similarity,
        score_cutoff=work.held.cutoff,
        dtype=np.float64,
        workers=1,
    )


def matrix_agrees(matrix: Any, hits: Hits, _: Work) -> bool:
    """matrix: [queries, names], 0 below the cutoff."""
    rows, scores = hits
    best = np.zeros_like(scores)
    best[:, : matrix.shape[1]] = -np.sort(-matrix, axis=1)[:, :LIMIT]
    named = np.where(rows < 0, 0.0, np.take_along_axis(matrix, rows.clip(0), axis=1))
    return all(np.allclose(found, scores, rtol=0, atol=ROUNDING) for found in (best, named))


def extract(work: Work) -> Callable[[], Any]:
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    return lambda: [
        process.extract(
            query,
            work.held.names,
            scorer=JaroWinkler.similarity,
            processor=None,
            score_cutoff=work.held.cutoff,
            limit=LIMIT,
        )
        for query in work.items
    ]


def lists_agree(lists: list[list[tuple[str, float, int]]], hits: Hits, _: Work) -> bool:
    rows, scores = (array.tolist() for array in hits)
    return [[(row, score) for _, score, row in found] for found in lists] == [
        [pair for pair in zip(*hit) if pair[0] >= 0] for hit in zip(rows, scores)
    ]


SCREEN = KernelBench(
    name="screen",
    draw=draw,
    units={"pair": pairs},
    peers=(
        Peer(
            name="rapidfuzz-cdist",
            package="rapidfuzz",
            unit="pair",
            prepare=cdist,
            agrees=matrix_agrees,
            is_yardstick=True,
        ),
        Peer(
            name="rapidfuzz-extract",
            package="rapidfuzz",
            unit="pair",
            prepare=extract,
            agrees=lists_agree,
        ),
    ),
)
