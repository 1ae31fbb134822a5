"""Where a sidecar begins to pay: a cost model per variant, and how well it predicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from loadtests.lab.records import CellFacts, Contest, Crossover, Model, PaysFrom, Result, Swept
from loadtests.lab.resampling import SEED, mean_ratio
from loadtests.lab.scenario import Draw
from loadtests.lab.sections import Chosen
from loadtests.lab.statistics import throughput
from service.offload.spec import default

Floats = NDArray[np.float64]
Costs = Mapping[str, Mapping[int, float]]
"""By target the microseconds per request, by round."""
REFITS = 400
CALLS = 7  # of the kernel alone, by level of work
UNIT = "microseconds of the saturated server per request: 1e6 / throughput_rps"
_PER = np.array([1.0, 1000.0, 1.0])  # of a model's parameters by the coefficients of its factors


@dataclass(frozen=True, slots=True)
class Fit:
    """coefficients: of the factors. refits: the same fits to the medians of blocks that are drawn
    anew, REFITS by factors. error: median relative error of the cells that it was fitted to."""

    coefficients: Floats
    refits: Floats
    error: float
    cells: int

    def cost_us(self, one: Swept) -> float:
        return float(np.dot(self.coefficients, _factors(one)))


def fit(result: Result) -> Crossover | None:
    """From the summary and the blocks: models, cells, hit rate, where a sidecar begins to pay; see
    schema.md.

    None where the section was not measured or fewer than two variants have figures.
    """
    if result["work_us"] is None:
        return None
    swept = _swept(result, result["work_us"])
    fits = {}
    for name in dict.fromkeys(name for one, _ in swept for name in one["measured_us"]):
        fitted = [pair for pair in swept if name in pair[1] and not pair[0]["held_out"]]
        # With no more cells than the model has parameters it would fit anything.
        if len(fitted) > len(_PER):
            fits[name] = _fit(fitted, name)
    if len(fits) < 2:
        return None
    cells = [_contest(one, costs, fits) for one, costs in swept]
    tested = [cell for cell in cells if cell["held_out"] and cell["winner"] is not None]
    certain = [cell for cell in tested if cell["certain"]]
    return {
        "unit": UNIT,
        "work_us": result["work_us"],
        "models": {name: _model(found, name, cells) for name, found in fits.items()},
        "cells": cells,
        "hit_rate": _hit_rate(tested),
        "held_out": len(tested),
        "certain_hit_rate": _hit_rate(certain),
        "certain": len(certain),
        "pays_from": [
            pays_from(name, fits[name], other, fits[other])
            for name in fits
            if name.endswith("-rpc")
            for other in fits
            if other != name
        ],
    }


def time_of_work(levels: Sequence[float], chosen: Chosen, draw: Draw) -> dict[str, float]:
    """By level of work the microseconds that the kernel alone takes per item: the median of
    several calls of the default engine, in this process."""
    scenario = chosen.lab.swept()
    assert scenario is not None
    assert scenario.work is not None
    kernels = default(chosen.domain.engines).load()
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


def predict(model: Model, request_bytes: float, work_us: float) -> float:
    """Microseconds per request."""
    return (
        model["boundary_us"]
        + model["per_byte_ns"] / 1000 * request_bytes
        + model["per_work"] * work_us
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


def _factors(one: Swept) -> tuple[float, float, float]:
    return 1.0, one["request_bytes"], one["work_us"]


def _swept(result: Result, work_us: Mapping[str, float]) -> Sequence[tuple[Swept, Costs]]:
    """With the costs of the blocks behind what was measured."""
    groups: dict[tuple[int, float], list[CellFacts]] = defaultdict(list)
    rates = {cell: summary["throughput_rps"] for cell, summary in result["summary"].items()}
    for cell in result["cells"]:
        if cell["section"] == "crossover":
            groups[cell["items"] or 0, cell["work"] or 0.0].append(cell)
    costs: dict[str, dict[int, float]] = defaultdict(dict)
    for block in result["blocks"]:
        if not block.get("void") and (rate := throughput(block)):
            costs[block["cell"]][block["round"]] = 1e6 / rate
    found = []
    for (items, work), cells in sorted(groups.items()):
        known = {cell["target"]: cell["id"] for cell in cells if rates[cell["id"]]}
        one: Swept = {
            "items": items,
            "work": work,
            "request_bytes": cells[0]["request_bytes"] or 0.0,
            "held_out": cells[0]["held_out"],
            "work_us": items * work_us[f"{work:g}"],
            "measured_us": {c["target"]: 1e6 / r["median"] for c in cells if (r := rates[c["id"]])},
        }
        found.append((one, {target: costs[cell] for target, cell in known.items()}))
    return found


def _fit(fitted: Sequence[tuple[Swept, Costs]], target: str) -> Fit:
    costs = np.array([one["measured_us"][target] for one, _ in fitted])
    factors = np.array([_factors(one) for one, _ in fitted])
    found = least_squares(costs, factors)
    drawn: list[Floats] = []
    for _, of_blocks in fitted:
        mine = np.array(list(of_blocks[target].values()))
        # Cells draw independently of each other, however many blocks they have.
        dice = np.random.default_rng([SEED, len(drawn)])
        places = dice.integers(0, len(mine), (REFITS, len(mine)))
        drawn.append(np.median(mine[places], axis=1))
    refits = np.array([least_squares(sample, factors) for sample in np.array(drawn).T])
    error = float(np.median(np.abs(factors @ found / costs - 1)))
    return Fit(found, refits, error, len(fitted))


def _model(fit: Fit, target: str, cells: Sequence[Contest]) -> Model:
    boundary, per_byte, per_work = (float(x) for x in fit.coefficients * _PER)
    bounds = np.percentile(fit.refits * _PER, (2.5, 97.5), axis=0).T.tolist()
    errors = [
        abs(cell["predicted_us"][target] / measured - 1)
        for cell in cells
        if cell["held_out"] and (measured := cell["measured_us"].get(target))
    ]
    return {
        "boundary_us": boundary,
        "per_byte_ns": per_byte,
        "per_work": per_work,
        "intervals": dict(zip(("boundary_us", "per_byte_ns", "per_work"), bounds)),
        "cells": fit.cells,
        "error": fit.error,
        "held_out_error": float(np.median(errors)) if errors else None,
    }


def _contest(one: Swept, costs: Costs, fits: Mapping[str, Fit]) -> Contest:
    """A load that only one variant survived is no contest."""
    measured = one["measured_us"]
    predicted = {name: fit.cost_us(one) for name, fit in fits.items()}
    ranked = sorted((name for name in fits if name in measured), key=lambda name: measured[name])
    winner = expected = regret = low = None
    if len(ranked) >= 2:
        winner, expected = ranked[0], min(ranked, key=lambda name: predicted[name])
        regret = measured[expected] / measured[winner] - 1
        mine, others = (costs[name] for name in ranked[:2])
        logs = [float(np.log(others[r] / mine[r])) for r in mine.keys() & others.keys()]
        low = mean_ratio(logs).low if logs else None
    return {
        **one,
        "predicted_us": predicted,
        "winner": winner,
        "predicted_winner": expected,
        "regret": regret,
        "certain": low is not None and low > 1,
    }


def _hit_rate(tested: Sequence[Contest]) -> float | None:
    hits = sum(cell["winner"] == cell["predicted_winner"] for cell in tested)
    return hits / len(tested) if tested else None


def pays_from(sidecar: str, its: Fit, other: str, others: Fit) -> PaysFrom:
    """From how much work of a request on the sidecar is the cheaper one, bytes left aside;
    null for never."""

    def work_us(dearer: Floats) -> Floats:
        """dearer: the sidecar's coefficients without the other's, in rows."""
        boundary, per_work = dearer[:, 0], -dearer[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(per_work > 0, boundary / per_work, np.inf)
        return np.where((boundary <= 0) & (per_work >= 0), 0.0, found)

    (best,) = work_us((its.coefficients - others.coefficients)[None])
    drawn = np.sort(work_us(its.refits - others.refits))
    bounds = (drawn[round(share * (REFITS - 1))] for share in (0.025, 0.975))
    at, low, high = (float(x) if np.isfinite(x) else None for x in (best, *bounds))
    return {"sidecar": sidecar, "against": other, "work_us": at, "low": low, "high": high}
