"""The scenario `nearest`: points all over the Earth, checked by the haversine formula as textbooks
have it, for every pair of a point and a place."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from loadtests.lab.scenario import Draw, Request, Scenario, post

PATH = "/v1/nearest"
POOL = 64  # different requests
EARTH_RADIUS_M = 6_371_008.8
TOLERANCE_M = 0.002  # both sides are rounded to the millimetre
CLEAR_M = 1.0  # a place is nearer than the next one by so much, or the point is not asked for

Expected = list[tuple[int, float]]
"""For each point the index of its place, and the distance in metres."""


def requests(draw: Draw, items: int, _: float | None) -> list[Request]:
    """What the lab sends, `items` points at a time."""
    made = bodies(draw.dice("nearest", items), items, POOL)
    return [post(PATH, body, fault, expected) for body, expected in made]


def bodies(dice: Random, items: int, count: int) -> list[tuple[dict[str, Any], Expected]]:
    """So many request bodies, of `items` points each, with what is expected of them."""
    return [_body(dice, items) for _ in range(count)]


def fault(expected: Sequence[Sequence[float]], document: Any) -> str | None:
    """What is wrong with an answer, or None."""
    results = document["results"]
    if len(results) != len(expected):
        return f"results: expected {len(expected)}, got {len(results)}"
    for i, (result, (index, distance_m)) in enumerate(zip(results, expected)):
        got = result["index"], result["distance_m"]
        if got[0] != index or abs(got[1] - distance_m) > TOLERANCE_M:
            return f"results[{i}]: expected place {index} at {distance_m} m, got {got}"
    return None


def _body(dice: Random, items: int) -> tuple[dict[str, Any], Expected]:
    from service.nearest.places import COUNT, SEED, made_up

    places = list(made_up(COUNT, SEED).values())
    points: list[dict[str, float]] = []
    expected: Expected = []
    while len(points) < items:
        lat, lon = round(dice.uniform(-90, 90), 6), round(dice.uniform(-180, 180), 6)
        (first, row), (second, _) = sorted(_distances(lat, lon, places))[:2]
        if second - first > CLEAR_M:
            points.append({"lat": lat, "lon": lon})
            expected.append((row, round(first, 3)))
    return {"points": points}, expected


def _distances(
    lat: float, lon: float, places: Sequence[tuple[float, float]]
) -> list[tuple[float, int]]:
    """(metres, row) of each place. Source: Sinnott (1984), "Virtues of the Haversine"."""
    import numpy as np

    there = np.radians(places)
    phi, lam = np.radians(lat), np.radians(lon)
    haversine = (
        np.sin((there[:, 0] - phi) / 2) ** 2
        + np.cos(phi) * np.cos(there[:, 0]) * np.sin((there[:, 1] - lam) / 2) ** 2
    )
    metres = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(haversine))
    return [(distance, row) for row, distance in enumerate(metres.tolist())]


NEAREST = Scenario(name="nearest", requests=requests, items=50, is_hot=True)
