"""The loads of the lab: a file for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from loadtests.found import found_in
from loadtests.lab.scenario import Lab, Options, Scenario, Start, Surroundings
from service.screening import watchlist
from service.screening.scenarios.draw import ScreeningDraw
from service.screening.scenarios.matches import MATCHES

# engine: go
from service.screening.scenarios.rates import upstreams

# engine: end
from service.screening.scenarios.screenings import SCREENINGS
from service.screening.scenarios.seals import SEALS
from service.screening.scenarios.validations import VALIDATIONS

FIRST = (MATCHES, VALIDATIONS, SEALS, SCREENINGS)  # in the reports; others follow by name


@dataclass(frozen=True, slots=True)
class ScreeningOptions(Options):
    directory: Annotated[
        Path | None,
        typer.Option(
            "--watchlist", metavar="DIR", help="Of a watchlist; default: the synthetic one."
        ),
    ] = None


@contextmanager
def surroundings(options: ScreeningOptions, seed: int, start: Start) -> Iterator[Surroundings]:
    listed = watchlist.load(options.directory)
    environment: dict[str, str] = {}
    rates: Mapping[str, Any] = {}
    source = listed.source
    # engine: go
    addresses, rates = upstreams(start)
    environment |= addresses
    # engine: end
    if options.directory is not None:
        source = options.directory.resolve().name
        environment["HOTPATH_WATCHLIST"] = str(options.directory.resolve())
    yield Surroundings(
        ScreeningDraw(seed, listed.entries, listed.index, rates),
        environment,
        {"watchlist": {"source": source, "names": len(listed.entries)}},
    )


def said(settings: Mapping[str, Any]) -> Mapping[str, str]:
    listed = settings.get("watchlist")
    return {"Watchlist": f"{listed['names']:,} names: {listed['source']}"} if listed else {}


LAB = Lab(
    scenarios=tuple(dict.fromkeys((*FIRST, *found_in(__name__, Scenario)))),
    options=ScreeningOptions,
    surroundings=surroundings,
    said=said,
)
