"""Where a sidecar begins to pay: a cost model per variant, and how well it predicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtests.lab.resampling import SEED, mean_ratio
from loadtests.lab.scenario import Draw
from loadtests.lab.scenarios import Chosen
from loadtests.lab.statistics import throughput
from service.offload.spec import default

Floats = NDArray[np.float64]
PARAMETERS = ("boundary_us", "per_byte_ns", "per_work")
REFITS = 400
CALLS = 7  # of the kernel alone, by level of work
# By items, work and target: microseconds per request by round.
Costs = dict[tuple[Any, ...], dict[int, float]]
UNIT = "microseconds of the saturated server per request: 1e6 / throughput_rps"


def fit(result: dict[str, Any]) -> None:
    """Fills in `crossover` from the summary and the blocks: models, cells, hit rate, where a
    sidecar begins to pay; see schema.md.

    It is null where the section was not measured or fewer than two variants have figures.
    """
    result["crossover"] = None
    if result["work_us"] is None:
        return
    loads, blocks = _loads(result)
    targets = dict.fromkeys(name for load in loads for name in load["measured_us"])
    models, refits = {}, {}
    for name in targets:
        fitted = [x for x in loads if name in x["measured_us"] and not x["held_out"]]
        # With no more cells than the model has parameters it would fit anything.
        if len(fitted) > len(PARAMETERS):
            models[name], refits[name] = _model(fitted, name, blocks)
    if len(models) < 2:
        return
    for load in loads:
        load["predicted_us"] = {name: predict(model, load) for name, model in models.items()}
        load |= _contest(load, [n for n in models if n in load["measured_us"]], blocks)
    for name, model in models.items():
        model["held_out_error"] = _error([x for x in loads if x["held_out"]], name)
    tested = [x for x in loads if x["held_out"] and x["winner"] is not None]
    result["crossover"] = {
        "unit": UNIT,
        "work_us": result["work_us"],
        "models": models,
        "cells": loads,
        "hit_rate": _hit_rate(tested),
        "held_out": len(tested),
        "certain_hit_rate": _hit_rate([x for x in tested if x["certain"]]),
        "certain": sum(x["certain"] for x in tested),
        "pays_from": [
            _pays_from(name, other, models, refits)
            for name in models
            if name.endswith("-rpc")
            for other in models
            if other != name
        ],
    }


def time_of_work(levels: Sequence[float], chosen: Chosen, draw: Draw) -> dict[str, float]:
    """By level of work the microseconds that the kernel alone takes per item: the median of
    several calls of the default engine, in this process."""
    scenario = chosen.lab.swept()
    assert scenario is not None
    assert scenario.work is not None
    kernels = default(chosen.engines).load()
    found = {}
    for level in levels:
        call, items = scenario.work.unit(kernels, draw, level)
        times = []
        for _ in range(CALLS):
            started = perf_counter()
            call()
            times.append(perf_counter() - started)
        found[f"{level:g}"] = 1e6 * median(times) / items
    return found


def predict(model: Mapping[str, float], load: Mapping[str, Any]) -> float:
    """Microseconds per request."""
    return float(
        model["boundary_us"]
        + model["per_byte_ns"] / 1000 * load["request_bytes"]
        + model["per_work"] * load["work_us"]
    )


def least_squares(costs: Floats, factors: Floats) -> Floats:
    """The non-negative coefficients of the factors (cells by factors) whose sum has the
    smallest squared error relative to the costs.

    With so few factors every subset can be tried: the best unconstrained fit without a
    negative coefficient is the constrained optimum.
    """
    relative = factors / costs[:, None]
    count = factors.shape[1]
    best, least = np.zeros(count), np.inf
    for size in range(1, count + 1):
        for subset in map(list, combinations(range(count), size)):
            found = np.linalg.lstsq(relative[:, subset], np.ones(len(costs)), rcond=None)[0]
            error = float(((relative[:, subset] @ found - 1) ** 2).sum())
            if (found >= 0).all() and error < least:
                best, least = np.zeros(count), error
                best[subset] = found
    return best


def _loads(result: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Costs]:
    """One row per batch size and level, with the measured cost of each target, and the costs
    of the blocks behind it, by round."""
    loads: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(dict)
    places: dict[str, tuple[Any, ...]] = {}
    for cell in result["cells"]:
        if cell["section"] != "crossover":
            continue
        load = loads[cell["items"], cell["work"]]
        if not load:
            load |= {field: cell[field] for field in ("items", "work", "request_bytes", "held_out")}
            load["work_us"] = cell["items"] * result["work_us"][f"{cell['work']:g}"]
            load["measured_us"] = {}
        rate = result["summary"][cell["id"]]["throughput_rps"]
        if rate is not None:
            load["measured_us"][cell["target"]] = 1e6 / rate["median"]
            places[cell["id"]] = (cell["items"], cell["work"], cell["target"])
    costs: Costs = defaultdict(dict)
    for block in result["blocks"]:
        if block["cell"] in places and not block["void"] and (rate := throughput(block)):
            costs[places[block["cell"]]][block["round"]] = 1e6 / rate
    return [loads[key] for key in sorted(loads)], costs


def _model(
    fitted: Sequence[Mapping[str, Any]], target: str, blocks: Costs
) -> tuple[dict[str, Any], Floats]:
    """The model, with intervals of its parameters, and its refits by parameter: the same fit to
    the medians of blocks that are drawn anew."""
    costs = np.array([load["measured_us"][target] for load in fitted])
    factors = np.array([[1.0, load["request_bytes"], load["work_us"]] for load in fitted])
    found = least_squares(costs, factors)
    drawn: list[Floats] = []
    for load in fitted:
        mine = np.array(list(blocks[load["items"], load["work"], target].values()))
        # Cells draw independently of each other, however many blocks they have.
        dice = np.random.default_rng([SEED, len(drawn)])
        places = dice.integers(0, len(mine), (REFITS, len(mine)))
        drawn.append(np.median(mine[places], axis=1))
    refits = np.array([least_squares(sample, factors) for sample in np.array(drawn).T])
    scale = np.array([1.0, 1000.0, 1.0])
    low, high = np.percentile(refits * scale, (2.5, 97.5), axis=0)
    model: dict[str, Any] = dict(zip(PARAMETERS, (float(x) for x in found * scale)))
    model["intervals"] = {name: [float(a), float(b)] for name, a, b in zip(PARAMETERS, low, high)}
    model["cells"] = len(fitted)
    model["error"] = float(np.median(np.abs(factors @ found / costs - 1)))
    return model, refits


def _contest(load: Mapping[str, Any], names: Sequence[str], blocks: Costs) -> dict[str, Any]:
    """Who won, who should have; a load that only one variant survived is no contest."""
    none = {"winner": None, "predicted_winner": None, "regret": None, "certain": False}
    if len(names) < 2:
        return none
    measured, predicted = load["measured_us"], load["predicted_us"]
    winner, second = sorted(names, key=lambda name: float(measured[name]))[:2]
    expected = min(names, key=lambda name: float(predicted[name]))
    mine, others = (blocks[load["items"], load["work"], name] for name in (winner, second))
    logs = [float(np.log(others[r] / mine[r])) for r in mine.keys() & others.keys()]
    interval = mean_ratio(logs)[1] if logs else None
    return {
        "winner": winner,
        "predicted_winner": expected,
        "regret": measured[expected] / measured[winner] - 1,
        "certain": interval is not None and interval[0] > 1,
    }


def _hit_rate(tested: Sequence[Mapping[str, Any]]) -> float | None:
    hits = sum(load["winner"] == load["predicted_winner"] for load in tested)
    return hits / len(tested) if tested else None


def _pays_from(
    sidecar: str, other: str, models: Mapping[str, Any], refits: Mapping[str, Floats]
) -> dict[str, Any]:
    """From how much work of a request on the sidecar is the cheaper one, bytes left aside;
    null for never."""

    def work_us(boundary: Floats, per_work: Floats) -> Floats:
        """boundary: what the sidecar's is dearer by. per_work: what its work is cheaper by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(per_work > 0, boundary / per_work, np.inf)
        return np.where((boundary <= 0) & (per_work >= 0), 0.0, found)

    both = models[sidecar], models[other]
    boundary, per_work = (
        np.array([both[0]["boundary_us"] - both[1]["boundary_us"]]),
        np.array([both[1]["per_work"] - both[0]["per_work"]]),
    )
    difference = refits[other] - refits[sidecar]
    drawn = np.sort(work_us(-difference[:, 0], difference[:, 2]))
    bounds = drawn[round(0.025 * (REFITS - 1))], drawn[round(0.975 * (REFITS - 1))]
    values = (work_us(boundary, per_work)[0], *bounds)
    figures = [float(value) if np.isfinite(value) else None for value in values]
    return {"sidecar": sidecar, "against": other} | dict(zip(("work_us", "low", "high"), figures))


def _error(loads: Sequence[Mapping[str, Any]], target: str) -> float | None:
    errors = [
        abs(load["predicted_us"][target] / load["measured_us"][target] - 1)
        for load in loads
        if target in load["measured_us"]
    ]
    return float(np.median(errors)) if errors else None
