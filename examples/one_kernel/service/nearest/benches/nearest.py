"""nearest, beside the haversine formula as one finds it everywhere."""

from __future__ import annotations

from collections.abc import Callable
from math import asin, cos, radians, sin, sqrt
from random import Random
from typing import Any

from loadtests.bench.kernel import Call, KernelBench, Peer, Work
from service.nearest.contract.kernels import Found
from service.nearest.places import COUNT, Places, made_up
from service.nearest.sphere import Position, unit_vectors

POINTS = 100


def draw(rng: Random, _: Any) -> Work:
    places = Places.of(made_up(COUNT, rng.randrange(1 << 30)))
    return Work(list(made_up(POINTS, rng.randrange(1 << 30)).values()), places)


def pairs(work: Work) -> Call:
    places: Places = work.held
    return Call((unit_vectors(work.items), places.vectors), len(work.items) * len(places))


def haversine(a: Position, b: Position) -> float:
    """In radians."""
    north, east = radians(b.lat - a.lat), radians(b.lon - a.lon)
    h = sin(north / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(east / 2) ** 2
    return 2 * asin(min(1.0, sqrt(h)))


def loop(work: Work) -> Callable[[], list[int]]:
    places: Places = work.held

    def rows() -> list[int]:
        return [
            min(range(len(places)), key=lambda row: haversine(point, places.positions[row]))
            for point in work.items
        ]

    return rows


def agrees(rows: list[int], found: Found, _: Work) -> bool:
    return bool(rows == found[0].tolist())


BENCH = KernelBench(
    name="nearest",
    draw=draw,
    units={"pair": pairs},
    peers=(
        Peer(
            name="haversine in math",
            package=None,
            unit="pair",
            prepare=loop,
            agrees=agrees,
            is_yardstick=True,
        ),
    ),
)
