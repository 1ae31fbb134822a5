"""Every engine finds the `nearest` of the contract: by vectors, and as the oracle does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.nearest.engines import ENGINES

VECTORS = json.loads((Path(__file__).parent / "vectors/nearest.json").read_text())["vectors"]


def packed(vectors: list[list[float]]) -> NDArray[np.float64]:
    array = np.array(vectors, dtype="<f8").reshape(-1, 3)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector_of_nearest(kernels, vector) -> None:
    points, places = (packed(vector["input"][name]) for name in ("points", "places"))
    rows, squares = kernels.nearest(points, places)
    assert (rows.dtype, squares.dtype) == (np.int32, np.float64)
    assert rows.tolist() == vector["expected"]["rows"]
    assert squares.tolist() == vector["expected"]["squares"]


def test_without_places_there_is_none(kernels) -> None:
    rows, squares = kernels.nearest(packed([[1, 0, 0], [0, 1, 0]]), packed([]))
    assert (rows.tolist(), squares.tolist()) == ([-1, -1], [float("inf")] * 2)


# Few numbers, so that places are often equally near, and many, so that their last bits differ.
coordinates = st.one_of(st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0]), st.floats(-1, 1))
vectors = st.lists(st.tuples(coordinates, coordinates, coordinates), max_size=40)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(points=vectors, places=vectors)
def test_any_input_is_answered_as_by_the_oracle(faster_kernels, oracle, points, places) -> None:
    arguments = packed(points), packed(places)
    expected, found = oracle.nearest(*arguments), faster_kernels.nearest(*arguments)
    for due, came in zip(expected, found, strict=True):
        assert came.tolist() == due.tolist()


def test_large_input_is_answered_as_by_the_oracle(faster_kernels, oracle) -> None:
    """Past what engines do in one go."""
    rng = np.random.default_rng(3)
    points, places = (packed(rng.uniform(-1, 1, (n, 3)).tolist()) for n in (150, 1001))
    expected, found = (k.nearest(points, places) for k in (oracle, faster_kernels))
    for due, came in zip(expected, found, strict=True):
        assert came.tolist() == due.tolist()


# engine: cython rust
GOOD = packed([[1, 0, 0], [0, 1, 0]])
DAMAGED = {
    "wrong dtype": GOOD.astype("f4"),
    "wrong byte order": GOOD.astype(">f8"),
    "too few dimensions": GOOD[0],
    "too few columns": np.ascontiguousarray(GOOD[:, :2]),
    "strided": np.zeros((2, 6))[:, ::2],
    "a list": GOOD.tolist(),
    "none": None,
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("argument", ["points", "places"])
@pytest.mark.parametrize("name", [spec.name for spec in ENGINES if spec.releases_gil])
def test_an_array_that_breaks_the_contract_is_named(engines, name, argument, damage) -> None:
    """Never a crash, though nobody holds the lock."""
    arguments = {"points": GOOD, "places": GOOD} | {argument: damage}
    with pytest.raises((TypeError, ValueError), match=argument):
        engines[name].nearest(**arguments)


# engine: end
