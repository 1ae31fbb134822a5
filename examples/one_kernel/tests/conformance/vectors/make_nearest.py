"""Makes nearest.json: python tests/conformance/vectors/make_nearest.py

The expected squares come from rational numbers, rounded where the contract says so, so that no
floating-point unit and no engine has a part in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

Vector = list[float]


def rounded(exact: Fraction) -> float:
    """To the nearest float64, ties to even: Python divides integers so."""
    return exact.numerator / exact.denominator


def differences(point: Vector, place: Vector) -> list[Fraction]:
    return [Fraction(rounded(Fraction(a) - Fraction(b))) for a, b in zip(point, place)]


def square(point: Vector, place: Vector) -> float:
    x, y, z = (Fraction(rounded(d * d)) for d in differences(point, place))
    return rounded(Fraction(rounded(x + y)) + z)


def fused(first: int, second: int, third: int) -> Callable[[Vector, Vector], float]:
    """What multiply-adds that round once would give, for the axes in one of the orders in which a
    compiler may take them."""

    def found(point: Vector, place: Vector) -> float:
        apart = differences(point, place)
        sum_ = Fraction(rounded(apart[first] ** 2))
        for axis in (second, third):
            sum_ = Fraction(rounded(sum_ + apart[axis] ** 2))
        return float(sum_)

    return found


def from_the_right(point: Vector, place: Vector) -> float:
    """What another order of the additions would give."""
    x, y, z = (Fraction(rounded(d * d)) for d in differences(point, place))
    return rounded(x + Fraction(rounded(y + z)))


def misled_by(*others: Callable[[Vector, Vector], float]) -> tuple[Vector, list[Vector]]:
    """A point and two places that are equally near by the contract, the second nearer by all of the
    others."""
    rng = Random(20_240_229)

    def drawn() -> Vector:
        return [rng.randrange(-(1 << 20), 1 << 20) / (1 << 20) / 3 for _ in range(3)]

    while True:
        point, place = drawn(), drawn()
        # The same differences in another order have the same square, or one of other last bits.
        x, y, z = (a - b for a, b in zip(point, place))
        twin = [point[0] - z, point[1] - x, point[2] - y]
        if square(point, place) == square(point, twin) and all(
            other(point, twin) < other(point, place) for other in others
        ):
            return point, [place, twin]


def vector(id_: str, comment: str, points: list[Vector], places: list[Vector]) -> dict[str, object]:
    nearest = [min((square(p, place), row) for row, place in enumerate(places)) for p in points]
    return {
        "id": id_,
        "comment": comment,
        "input": {"points": points, "places": places},
        "expected": {"rows": [row for _, row in nearest], "squares": [s for s, _ in nearest]},
    }


AXES = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
RNG = Random(1)
MANY = [[RNG.uniform(-1, 1) for _ in range(3)] for _ in range(40)]
FUSED, ORDER = misled_by(fused(0, 1, 2), fused(1, 0, 2)), misled_by(from_the_right)

VECTORS = [
    vector("no_points", "no point, no answer", [], AXES),
    vector("itself", "a point on a place", [AXES[1]], AXES),
    vector("antipode", "the farthest on the sphere", [[-1.0, 0.0, 0.0]], AXES[:1]),
    vector("tie", "equally near: the lower row", [[0.5, 0.5, 0.5]], AXES[::-1]),
    vector("doubles", "the same place twice: the lower row", [AXES[2]], [*AXES, *AXES]),
    vector("fused", "a fused multiply-add would find row 1", [FUSED[0]], FUSED[1]),
    vector("order", "additions from the right would find row 1", [ORDER[0]], ORDER[1]),
    vector("many", "40 at random, past what a chunk of an engine holds", MANY, MANY[::-2]),
]

if __name__ == "__main__":
    file = Path(__file__).with_name("nearest.json")
    lines = ",\n".join("    " + json.dumps(one) for one in VECTORS)
    source = "make_nearest.py: rational arithmetic, rounded after each operation"
    file.write_text(f'{{\n  "source": "{source}",\n  "vectors": [\n{lines}\n  ]\n}}\n')
