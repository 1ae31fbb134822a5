"""The answer in two sentences, and what stands against relying on it: all from the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtests.lab.records import CellFacts, Comparison
from loadtests.lab.report.figures import Figures
from loadtests.lab.report.wording import certainly, figure, interval, listed, said

CLOSE = 0.67  # of Go's requests per core and above; below, FastAPI needs half as many cores again
BUSY = 0.5  # runnable processes per core, before the run adds its own
ALLOWED = 0.02  # that an A/A interval may reach beyond one
NEAR_CEILING = 0.6  # of the generator's own limit
SHOWN_VOIDS = 3
MOST_NAMED = 3  # in a sentence
PLAIN = "model"  # the rung that people start from


def answer(figures: Figures) -> list[str]:
    """Is FastAPI close to Go: where, where not; and the cheapest way to close the gap."""
    best = _best_per_route(figures)
    if not best:
        unusable = "No route was measured against Go with figures that can be used."
        return [*([unusable] if figures.gateway() else []), *_steps(figures)]
    close, far, open_ = [], [], []
    for route, (cell, found) in sorted(best.items(), key=lambda item: item[1][1]["ratio"]):
        words = f"{route} {said(found, 2)}"
        if cell["section"] == "engines":
            words = f"{route} with {cell['target']} {said(found, 2)}"
        low, high = found["low"], found["high"]
        if low is None or high is None or low < CLOSE <= high:
            open_.append(words)
        elif low >= CLOSE:
            close.append(words)
        else:
            far.append(words)
    parts = []
    if close:
        parts.append(f"FastAPI is close to Go on {_range(close)}")
    if far:
        parts.append(
            f"it is not on {_range(far)}"
            if close
            else f"FastAPI is not close to Go on {_range(far)}"
        )
    if open_:
        parts.append(f"this run cannot tell on {_range(open_)}")
    first = "; ".join(parts) + (
        f" (its requests per core as a share of Go's; {CLOSE:g} and above count as close)."
    )
    first = first[0].upper() + first[1:]
    return [first, *_steps(figures)]


def _range(routes: Sequence[str]) -> str:
    """Sorted by ratio; of many the ends alone, for the table has them all."""
    if len(routes) <= MOST_NAMED:
        return listed(routes)
    return f"{len(routes)} cases, from {routes[0]} to {routes[-1]}"


def _best_per_route(figures: Figures) -> dict[str, tuple[CellFacts, Comparison]]:
    """By route the fastest FastAPI target, and its requests per core by the gateway's."""
    gateway = figures.gateway()
    found = {}
    for section in ("engines", "io"):
        for route, cells in figures.loads(section):
            cell = figures.fastest(cells)
            compared = cell and figures.compare(cell, gateway, "per_core_rps")
            if cell and compared:
                found[route] = (cell, compared)
    return found


def _steps(figures: Figures) -> list[str]:
    parts = [part for part in (_step_of_engines(figures), _step_of_ladder(figures)) if part]
    aim = "to close the gap" if figures.gateway() else "to more speed"
    return [f"The cheapest way {aim}: {'; '.join(parts)}."] if parts else []


def _step_of_engines(figures: Figures) -> str | None:
    """What the better method brings in pure Python, and what the fastest engine adds to it."""
    loads = figures.loads("engines")
    if not loads:
        return None
    route, cells = loads[0]
    best = figures.fastest(cells)
    method, definition = (*figures.baselines, None, None)[:2]
    plain = next((cell for cell in cells if cell["target"] == method), None)
    if best is None:
        return None
    gain = figures.compare(plain, definition) if plain else None
    rest = figures.compare(best, method)
    compared = {cell["target"]: found for cell in cells if (found := figures.compare(cell, method))}
    rated = sorted(compared, key=lambda name: name != best["target"])
    near = _not_told_apart(compared, rated) if best["target"] in compared else ""
    if gain and rest and certainly(gain) == "above":
        words = (
            f"on {route} the better method, still pure Python ({method}), is {said(gain, 2)} times "
            f"{definition}"
        )
        if certainly(rest) == "above":
            words += f", and {best['target']} adds a factor of {said(rest, 2)}{near}"
        else:
            words += (
                f", to which no other engine certainly adds ({best['target']}: {said(rest, 2)})"
            )
        return words + _left(figures, best)
    if rest and best["target"] != method:
        words = f"on {route} {best['target']} is {said(rest, 2)} times {method}{near}"
        return words + _left(figures, best)
    return None


def _left(figures: Figures, cell: CellFacts) -> str:
    """What then remains between it and Go."""
    rest = figures.compare(cell, figures.gateway(), "per_core_rps")
    return f", with which FastAPI has {said(rest, 2)} of Go's requests per core" if rest else ""


def _step_of_ladder(figures: Figures) -> str | None:
    """By route: what another server brings the one that people start from, and the rung that
    is closest to Go per core."""
    gateway = figures.gateway()
    targets = figures.result["targets"]
    steps = []
    for route, cells in figures.loads("ladder"):
        compared = {
            cell["target"]: found
            for cell in cells
            if (found := figures.compare(cell, gateway, "per_core_rps"))
        }
        rated = sorted(compared, key=lambda name: -compared[name]["ratio"])
        plain = [name for name in rated if targets[name]["rung"] == PLAIN]
        start = next((name for name in plain if targets[name]["server"] == "uvicorn"), None)
        if start is None:
            continue
        parts = [f"a plain FastAPI route on uvicorn has {said(compared[start], 2)} of Go's"]
        if plain[0] != start:
            server = targets[plain[0]]["server"]
            parts.append(f"on {server} it has {said(compared[plain[0]], 2)}")
        if rated[0] not in plain:
            parts.append(
                f"the rung {targets[rated[0]]['rung']} on {targets[rated[0]]['server']} has "
                f"{said(compared[rated[0]], 2)}{_not_told_apart(compared, rated)}"
            )
        steps.append(f"on {route} {listed(parts)}")
    return "; ".join(steps) or None


def _not_told_apart(compared: Mapping[str, Comparison], rated: Sequence[str]) -> str:
    """Those whose intervals reach the best one's."""
    low = compared[rated[0]]["low"]
    highs = [(name, compared[name]["high"]) for name in rated[1:]]
    near = [name for name, high in highs if low is None or high is None or high >= low]
    if len(near) > MOST_NAMED:
        near = [*near[: MOST_NAMED - 1], f"{len(near) - MOST_NAMED + 1} more"]
    return f" (not told apart from {listed(near)})" if near else ""


def problems(figures: Figures) -> list[str]:
    result = figures.result
    voids = [f"{cell} is void: {reason}" for cell, reason in result["voids"].items()]
    found = voids[:SHOWN_VOIDS]
    if len(voids) > SHOWN_VOIDS:
        found.append(f"{len(voids) - SHOWN_VOIDS} more cells are void; the tables mark them.")
    if result["interrupted"]:
        found.append("The run was interrupted: what was not finished is missing.")
    machine = result["machine"]
    if machine["load_average"][0] > BUSY * machine["usable_cores"]:
        found.append(
            f"The machine was busy at the start: a load of {machine['load_average'][0]:.1f} on "
            f"{machine['usable_cores']} cores. Measure on an idle one before you rely on this."
        )
    return found + _twins(figures) + _near_ceiling(figures)


def twins(figures: Figures) -> list[Comparison]:
    return [
        comparison
        for comparison in figures.result["comparisons"]
        if comparison["section"] == "twins" and comparison["metric"] == "throughput_rps"
    ]


def _twins(figures: Figures) -> list[str]:
    found = []
    for pair in twins(figures):
        name, low, high = pair["numerator"], pair["low"], pair["high"]
        slowed = figures.result["targets"][name]["slowed"]
        if slowed:
            seen = "The lab sees it" if certainly(pair) == "below" else "The lab does not see it"
            found.append(
                f"A test switch slowed the kernels of {name} by a factor of {slowed:g}. {seen}: "
                f"its throughput is {said(pair)} times its twin's."
            )
        elif low is None or high is None:
            found.append("The A/A pair has too few rounds for an interval.")
        elif low < 1 - ALLOWED or high > 1 + ALLOWED:
            found.append(
                f"The same variant, measured beside itself, has a ratio of {said(pair)}: "
                "differences of that size mean nothing here."
            )
    return found


def _near_ceiling(figures: Figures) -> list[str]:
    calibration = figures.result["calibration"]
    if not calibration:
        return ["The generator was not calibrated: its own limit is not known."]
    limit = calibration["ceiling_rps"]["median"]
    near = {
        cell["target"]: rate["median"] / limit
        for cell in figures.result["cells"]
        if (rate := figures.rate(cell)) and rate["median"] > NEAR_CEILING * limit
    }
    if not near:
        return []
    shares = listed([f"{name} ({100 * share:.0f} %)" for name, share in near.items()])
    return [
        f"Near the generator's own limit of {figure(limit)} requests/s "
        f"({interval(calibration['ceiling_rps'])}), so that they may be faster than their "
        f"throughput says (requests per core are not concerned): {shares}."
    ]
