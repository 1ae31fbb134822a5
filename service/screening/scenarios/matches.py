"""Names against the watchlist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from loadtests.lab.scenario import Request, Scenario, Work, post
from service.packed import CodePoints
from service.screening.names import normalize
from service.screening.scenarios.draw import CUTOFF, CUTOFFS, LIMIT, NAMES, ScreeningDraw, pool_size
from service.screening.scenarios.oracles import Found

TIMED = 64  # names


def requests(draw: ScreeningDraw, items: int, cutoff: float | None) -> list[Request]:
    """Names in turn, as many requests as they give, within the bounds of a pool."""
    cutoff = cutoff or CUTOFF
    batches = [
        [draw.names[(number * items + i) % NAMES] for i in range(items)]
        for number in range(pool_size(items))
    ]
    return [
        post(
            "/v1/matches",
            {"names": names, "cutoff": cutoff, "limit": LIMIT},
            hits,
            [draw.hits(name, cutoff) for name in names],
        )
        for names in batches
    ]


def hits(expected: Sequence[Sequence[Found]], document: Any) -> str | None:
    """expected: for each name its (row, score), best first."""
    results = document["results"]
    if len(results) != len(expected):
        return f"results: expected {len(expected)}, got {len(results)}"
    for result, due in zip(results, expected, strict=True):
        if (got := rows_and_scores(result["hits"])) != due:
            return f"hits of {result.get('name')!r}: expected (row, score) {due}, got {got}"
    return None


def rows_and_scores(found: Any) -> list[Found]:
    return [[hit["row"], hit["score"]] for hit in found]


def screened(kernels: Any, draw: ScreeningDraw, cutoff: float) -> tuple[Callable[[], object], int]:
    packed = CodePoints.pack([normalize(name) for name in draw.names[:TIMED]])
    return lambda: kernels.screen(packed, draw.index, cutoff, LIMIT), TIMED


MATCHES = Scenario(
    name="matches",
    requests=requests,
    items=4,
    is_hot=True,
    work=Work(levels=CUTOFFS, unit=screened),
)
