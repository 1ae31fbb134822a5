"""The cost model, against the laws that made-up costs were drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from loadtests.lab import crossover
from loadtests.lab.statistics import summarised
from tests.lab import made_up


@pytest.fixture(scope="module")
def fitted():
    result = made_up.swept(seed=3, rounds=24, noise=0.03)
    return crossover.fit(summarised(result, made_up.BASELINES))


@pytest.mark.parametrize("target", ["python-inline", "rust-thread", "go-rpc"])
def test_model_recovers_the_law_of_the_costs(fitted, target):
    model = fitted["models"][target]
    boundary, _, per_work = made_up.COSTS[target]
    assert model["boundary_us"] == pytest.approx(boundary, rel=0.1)
    assert model["per_work"] == pytest.approx(per_work, rel=0.15)
    assert model["per_byte_ns"] >= 0
    assert model["error"] < 0.05
    assert model["held_out_error"] < 0.05


def test_held_out_loads_are_not_fitted_and_are_judged(fitted):
    found = fitted
    held_out = [load for load in found["cells"] if load["held_out"]]
    assert found["held_out"] == len(held_out) > 3
    assert found["models"]["go-rpc"]["cells"] == len(found["cells"]) - len(held_out)
    hits = sum(load["winner"] == load["predicted_winner"] for load in held_out)
    assert found["hit_rate"] == hits / len(held_out)
    assert found["hit_rate"] >= 0.8
    assert all((x["regret"] == 0) == (x["winner"] == x["predicted_winner"]) for x in held_out)
    assert {load["winner"] for load in found["cells"]} >= {"rust-thread", "go-rpc"}


@pytest.mark.parametrize("target", ["python-inline", "rust-thread", "go-rpc"])
def test_intervals_of_the_parameters_hold_the_law(fitted, target):
    found = fitted["models"][target]["intervals"]
    law = made_up.COSTS[target]
    # The rounds of a run drift together: all costs may be off by what their median is.
    for name, value in (("boundary_us", law[0]), ("per_work", law[2])):
        low, high = found[name]
        assert low * 0.93 < value < high * 1.07
        assert high / low < 1.5


def test_sidecar_pays_from_where_the_laws_cross(fitted):
    (point,) = (p for p in fitted["pays_from"] if p["against"] == "rust-thread")
    expected = (700 - 520) / (1.0 - 0.6)
    assert point["low"] < expected < point["high"]
    assert point["high"] / point["low"] < 2


def pays(sidecar, other, spread=0.0):
    """Of models whose boundary and per_work are given, refitted with a spread."""
    dice = np.random.default_rng(3)
    its, others = (
        crossover.Fit(
            coefficients=np.array([law[0], 0, law[1]]),
            refits=np.array([[law[0], 0, law[1]]]) * (1 + spread * dice.normal(size=(400, 3))),
            error=0.0,
            cells=4,
        )
        for law in (sidecar, other)
    )
    found = crossover.pays_from("go-rpc", its, "x", others)
    return found["work_us"], found["low"], found["high"]


def test_sidecar_that_is_never_cheaper_never_pays():
    assert pays((700, 2.0), (500, 1.0)) == (None, None, None)


def test_sidecar_that_is_always_cheaper_pays_at_once():
    assert pays((400, 0.5), (500, 1.0)) == (0, 0, 0)


def test_sidecar_of_doubtful_gain_has_no_upper_bound():
    _, low, high = pays((700, 0.99), (500, 1.0), spread=0.05)
    assert high is None
    assert low > 0


def test_winner_within_the_noise_is_not_certain():
    maker = made_up.Maker(rounds=10, noise=0.1)
    for name in ("rust-thread", "go-rpc"):
        maker.target(name)
        for items, factor in ((1, 1), (2, 1), (4, 1), (8, 1), (16, 3)):
            cost = 1000.0 * items * (factor if name == "go-rpc" else 1)
            maker.cell("crossover", "matches", name, cost, items=items, work=0.9,
                       request_bytes=10 * items)  # fmt: skip
    result = maker.result()
    found = crossover.fit(summarised(result, made_up.BASELINES))
    certain = {load["items"]: load["certain"] for load in found["cells"]}
    assert certain[16]
    assert sum(certain[n] for n in (1, 2, 4, 8)) <= 1


def test_coefficients_are_never_negative_and_the_best_of_those():
    dice = np.random.default_rng(5)
    for _ in range(50):
        factors = np.column_stack([np.ones(12), dice.uniform(1, 100, (12, 2))])
        costs = factors @ np.array([5.0, 0.0, 2.0]) * np.exp(dice.normal(0, 0.2, 12))
        found = crossover.least_squares(costs, factors)
        assert (found >= 0).all()
        relative = factors / costs[:, None]
        error = ((relative @ found - 1) ** 2).sum()
        for step in (0.01, -0.01):  # convex: no better neighbour, no better point
            for place in range(3):
                moved = found.copy()
                moved[place] = max(0, moved[place] + step)
                assert ((relative @ moved - 1) ** 2).sum() >= error - 1e-12


@pytest.mark.parametrize("changed", [{"cells": [], "blocks": []}, {"work_us": None}])
def test_without_the_section_or_its_unit_there_is_no_model(changed):
    result = made_up.swept(rounds=3) | changed
    assert crossover.fit(summarised(result, made_up.BASELINES)) is None


def test_void_cells_are_left_out():
    result = made_up.swept(rounds=4)
    gone = [c["id"] for c in result["cells"] if c["section"] == "crossover" and "go-rpc" in c["id"]]
    result["voids"] = dict.fromkeys(gone, "crashed")
    found = crossover.fit(summarised(result, made_up.BASELINES))
    assert set(found["models"]) == {"python-inline", "rust-thread"}
