"""What is measured: cells in sections, of a profile and a choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, cast

from loadtests.lab import domain
from loadtests.lab.bench_routes import DB
from loadtests.lab.profiles import Profile
from loadtests.lab.records import CellFacts
from loadtests.lab.requests import Kind
from loadtests.lab.scenario import Lab, Scenario
from service.domain import Domain

MIXED = "mixed"  # I/O beside the hot path, which makes no requests of its own
GATEWAY = "gateway"
LADDER_SERVERS = ("uvicorn", "granian", "hypercorn")
IO_RPS = 100.0  # of the I/O beside the hot path
USERS, SATURATING_USERS = 2, 4
# Shorter slices would share more of the machine's noise, but half as long ones already found
# rates several per cent lower, for each begins with the caches that fourteen other servers left.
SLICE_S, WARMUP_S, OPEN_WARMUP_S = 0.1, 0.03, 0.1


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of load on one target; schema.md has the fields."""

    section: str
    scenario: str
    target: str
    model: str = "closed"
    users: int | None = USERS
    rate_rps: float | None = None
    arrivals: str | None = None
    items: int | None = None
    work: float | None = None
    held_out: bool = False
    io_rate_rps: float | None = None

    @property
    def id(self) -> str:
        told_apart = (("*", self.items), ("~", self.work), ("@", self.rate_rps))
        return f"{self.section}/{self.scenario}/{self.target}" + "".join(
            f"{mark}{value:g}" for mark, value in told_apart if value is not None
        )

    @property
    def is_open(self) -> bool:
        return self.model == "open" or self.io_rate_rps is not None

    def streams(self, hot: str | None) -> dict[str, Kind]:
        """By name the kind of their requests. hot: the scenario that stands for the hot path."""
        if self.scenario != MIXED:
            return {"main": Kind(self.scenario, self.items, self.work)}
        io = {"io": Kind(DB.name)}
        assert hot is not None
        return {"hot": Kind(hot, self.items, self.work)} | io if self.users else io

    def facts(self, request_bytes: float | None) -> CellFacts:
        # The record has this class's fields, by their names.
        return cast("CellFacts", {"id": self.id} | asdict(self) | {"request_bytes": request_bytes})

    def at(self, rate_rps: float) -> Cell:
        """The same load in the open model."""
        return replace(self, model="open", users=None, rate_rps=rate_rps, arrivals="poisson")


class Spans(NamedTuple):
    """In seconds: what comes before each slice, a slice, and the slices of a block together."""

    warmup: float
    slice: float
    window: float

    @property
    def planned(self) -> float:
        return self.window + self.warmup * self.window / self.slice


@dataclass(frozen=True, slots=True)
class Section:
    """Cells that are measured in the same rounds.

    window_s: of a block in the closed model. It consists of slices of slice_s, between which
        the round's other cells have theirs, so that what the machine does meanwhile is much
        the same for all.
    open_window_s: of a block where arrivals are steady, in one piece: queues take time to grow.
    min_requests: of each slice, which lasts longer for it, but no longer than max_s.
    min_rounds: that are measured in any case, if by fewer cells: those whose blocks take
        several times as long as planned take part in three. Cells whose blocks are void
        take part in up to twice as many.
    max_rounds, budget_s: rounds end at whichever comes first.
    levels: shares of each target's saturation that the cells are to be loaded with, once the
        section `engines` has measured it.
    """

    name: str
    cells: tuple[Cell, ...]
    window_s: float
    open_window_s: float
    min_rounds: int
    max_rounds: int
    budget_s: float
    slice_s: float = SLICE_S
    min_requests: int = 1
    max_s: float = 60.0
    levels: tuple[float, ...] = ()

    def spans(self, cell: Cell) -> Spans:
        if cell.is_open:
            return Spans(OPEN_WARMUP_S, self.open_window_s, self.open_window_s)
        return Spans(WARMUP_S, min(self.slice_s, self.window_s), self.window_s)

    def targets(self) -> list[str]:
        return list(dict.fromkeys(cell.target for cell in self.cells))

    def at_saturation(self, rates_rps: Mapping[tuple[str, str], float]) -> Section:
        """With a cell for each level, where the saturation of (scenario, target) is known."""
        cells = [
            cell.at(float(f"{level * rates_rps[cell.scenario, cell.target]:.2g}"))
            for cell in self.cells
            if (cell.scenario, cell.target) in rates_rps
            for level in self.levels
        ]
        return replace(self, cells=tuple(dict.fromkeys(cells)), levels=())


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user chose to measure.

    lab: the domain's. gateway: whether to measure against it. one_core: whether each server has a
    single core, to itself. ladder_servers: those that are installed.
    """

    domain: Domain
    profile: Profile
    variants: tuple[str, ...]
    scenarios: tuple[str, ...]
    lab: Lab
    gateway: bool
    one_core: bool = False
    ladder_servers: tuple[str, ...] = LADDER_SERVERS

    def main(self, count: int) -> list[str]:
        mine = [name for name in domain.main(self.domain.engines) if name in self.variants]
        return (mine or list(self.variants))[:count]

    def hot(self, count: int | None = None) -> list[Scenario]:
        """Those chosen of the first so many that need an engine; None for all of them."""
        return [found for found in self.lab.hot()[:count] if found.name in self.scenarios]

    def io_users(self) -> int:
        """As many as saturate a server, or one where they would bring the generator to its
        limit first: it has one core, and the gateway would use several."""
        return SATURATING_USERS if self.one_core else 1

    def against(self) -> list[str]:
        return [GATEWAY] if self.gateway else []


def twin_of(target: str) -> str:
    return f"{target}-twin"


def rung_target(rung: str, server: str) -> str:
    return f"{rung}-{server}"


def sections(chosen: Chosen) -> list[Section]:
    """In the order to measure them; without those that the choice leaves empty."""
    profile = chosen.profile
    return [
        Section(
            name=name,
            cells=cells,
            window_s=profile.window_s,
            open_window_s=profile.open_window_s,
            # The crossover's intervals are those of models, fitted to all cells.
            min_rounds=min(profile.min_rounds, 3 if name == "crossover" else profile.min_rounds),
            max_rounds=1000 if name == "twins" else 60,
            budget_s=profile.budgets[name],
            levels=profile.levels if name == "load" else (),
        )
        for name, cells_of in _CELLS.items()
        if name in profile.budgets and (cells := tuple(cells_of(chosen)))
    ]


def _engines(chosen: Chosen) -> Iterator[Cell]:
    for scenario in chosen.hot(chosen.profile.hot):
        sizes = {scenario.items: chosen.variants} | dict.fromkeys(scenario.sweep, chosen.main(3))
        for items, targets in sizes.items():
            for target in (*targets, *chosen.against()):
                yield Cell("engines", scenario.name, target, items=items)


def _twins(chosen: Chosen) -> list[Cell]:
    (first,) = chosen.main(1)
    return [
        Cell("twins", scenario.name, target, items=scenario.items)
        for scenario in chosen.hot()[:1]
        for target in (first, twin_of(first))
    ]


def _io(chosen: Chosen) -> Iterator[Cell]:
    for scenario in chosen.lab.io()[: chosen.profile.io]:
        if scenario.name in chosen.scenarios:
            for target in (*chosen.main(1), *chosen.against()):
                cell = Cell("io", scenario.name, target, users=chosen.io_users())
                yield cell.at(scenario.rate_rps) if scenario.rate_rps else cell


def _ladder(chosen: Chosen) -> list[Cell]:
    targets = [rung_target(rung, "uvicorn") for rung in chosen.profile.rungs]
    targets += [
        rung_target(rung, server)
        for rung in ("model", "compiled", "asgi")
        if rung in chosen.profile.rungs
        for server in chosen.ladder_servers
        if server != "uvicorn"
    ]
    return [
        Cell("ladder", scenario, target, users=chosen.io_users())
        for scenario in ("json", "db")
        if scenario in chosen.scenarios and targets
        for target in (*targets, *chosen.against())
    ]


def _load(chosen: Chosen) -> list[Cell]:
    return [
        Cell("load", scenario.name, target, items=scenario.items)
        for scenario in chosen.hot(1)
        for target in (*chosen.main(chosen.profile.load_targets), *chosen.against())
    ]


def _mixed(chosen: Chosen) -> Iterator[Cell]:
    """Each target with the hot path loaded, and without: the difference is what it costs the
    other users of the loop."""
    if MIXED in chosen.scenarios:
        items = chosen.lab.hot()[0].items
        for target in (*chosen.main(chosen.profile.mixed_targets), *chosen.against()):
            alone = Cell("mixed", MIXED, target, users=0, io_rate_rps=IO_RPS)
            yield alone
            yield replace(alone, users=USERS, items=items)


def _crossover(chosen: Chosen) -> list[Cell]:
    """Of the first scenario whose work can be set; there must be a sidecar to cross over to."""
    profile = chosen.profile
    engines = chosen.domain.engines
    targets = [v for v in domain.swept(engines) if v in chosen.variants]
    if len(targets) < 2 or not any(spec.sidecar for spec in engines):
        return []
    return [
        Cell("crossover", scenario.name, target, items=items, work=level, held_out=held_out)
        for scenario in chosen.hot()
        if scenario is chosen.lab.swept() and scenario.work
        for held_out in (False, True)
        for items in (profile.sizes_held_out if held_out else profile.sizes)
        for level in scenario.work.levels
        for target in targets
    ]


_CELLS: Mapping[str, Callable[[Chosen], Iterable[Cell]]] = {
    "engines": _engines,
    "twins": _twins,
    "io": _io,
    "load": _load,
    "mixed": _mixed,
    "crossover": _crossover,
    "ladder": _ladder,
}
