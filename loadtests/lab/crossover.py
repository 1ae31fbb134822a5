"""Where a sidecar begins to pay: a cost model per variant, and how well it predicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
UNIT = "microseconds of the saturated server per request: 1e6 / throughput_rps"


def fit(result: dict[str, Any]) -> None:
    """Fills in `crossover` from the summary: models, cells, hit rate; see schema.md.

    It is null where the section was not measured or fewer than two variants have figures.
    """
    result["crossover"] = None
    if result["work_us"] is None:
        return
    loads = _loads(result)
    targets = dict.fromkeys(name for load in loads for name in load["measured_us"])
    models = {
        name: model
        for name in targets
        if (model := _model([x for x in loads if name in x["measured_us"]], name)) is not None
    }
    if len(models) < 2:
        return
    for load in loads:
        load["predicted_us"] = {name: predict(model, load) for name, model in models.items()}
        measured = load["measured_us"]
        contest = [name for name in models if name in measured]
        load["winner"] = min(contest, key=lambda n: measured[n], default=None)
        load["predicted_winner"] = min(contest, key=lambda n: load["predicted_us"][n], default=None)
        load["regret"] = (
            measured[load["predicted_winner"]] / measured[load["winner"]] - 1 if contest else None
        )
    # A load that only one variant survived is no contest.
    tested = [x for x in loads if x["held_out"] and len(x["measured_us"].keys() & models) > 1]
    hits = [load for load in tested if load["winner"] == load["predicted_winner"]]
    for name, model in models.items():
        model["held_out_error"] = _error([x for x in loads if x["held_out"]], name)
    result["crossover"] = {
        "unit": UNIT,
        "work_us": result["work_us"],
        "models": models,
        "cells": loads,
        "hit_rate": len(hits) / len(tested) if tested else None,
        "held_out": len(tested),
    }


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


def _loads(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per batch size and cutoff, with the measured cost of each target."""
    loads: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(dict)
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
    return [loads[key] for key in sorted(loads)]


def _model(loads: Sequence[Mapping[str, Any]], target: str) -> dict[str, Any] | None:
    """None with no more cells than the model has parameters: it would fit anything."""
    fitted = [load for load in loads if not load["held_out"]]
    if len(fitted) <= 3:
        return None
    costs = np.array([load["measured_us"][target] for load in fitted])
    factors = np.array([[1.0, load["request_bytes"], load["work_us"]] for load in fitted])
    boundary, per_byte, per_work = (float(x) for x in least_squares(costs, factors))
    model: dict[str, Any] = {
        "boundary_us": boundary,
        "per_byte_ns": 1000 * per_byte,
        "per_work": per_work,
        "cells": len(fitted),
    }
    errors = np.abs(factors @ np.array([boundary, per_byte, per_work]) / costs - 1)
    return model | {"error": float(np.median(errors))}


def _error(loads: Sequence[Mapping[str, Any]], target: str) -> float | None:
    errors = [
        abs(load["predicted_us"][target] / load["measured_us"][target] - 1)
        for load in loads
        if target in load["measured_us"]
    ]
    return float(np.median(errors)) if errors else None
