"""What is measured: cells in sections, and how much of each a profile asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

SCENARIOS = (
    "matches", "validations", "seals", "screenings", "json", "db", "queries", "rates", "mixed",
)  # fmt: skip
KERNEL_SCENARIOS = ("matches", "validations", "seals", "screenings")
ITEMS = {"matches": 4, "validations": 50, "seals": 100, "screenings": 2}  # of a request
SEAL_SIZES = (10, 1000)  # swept besides the usual one
IO_SCENARIOS = ("json", "db", "queries")
IN_PROCESS_SWEEP, SIDECAR_SWEEP = ("python-inline", "rust-thread"), ("go-rpc",)
MAIN = ("rust-thread", "go-rpc", "python-inline", "python-process")
GATEWAY = "gateway"
LADDER_SERVERS = ("uvicorn", "granian", "hypercorn")
RATES_RPS = 50.0
IO_RPS = 100.0  # of the I/O beside the hot path
USERS = 2


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

    def facts(self) -> dict[str, Any]:
        return {"id": self.id} | asdict(self)

    def at(self, rate_rps: float) -> Cell:
        """The same load in the open model."""
        return replace(self, model="open", users=None, rate_rps=rate_rps, arrivals="poisson")


@dataclass(frozen=True, slots=True)
class Section:
    """Cells that are measured in the same rounds.

    warmup_s, window_s: of each block; the window lasts longer where fewer than min_requests
        are done by then, but no longer than max_s.
    min_rounds: that are measured in any case; cells whose blocks take several times as long
        as planned take part in no more.
    max_rounds, budget_s: rounds end at whichever comes first.
    levels: shares of each target's saturation that the cells are to be loaded with, once the
        section `engines` has measured it.
    """

    name: str
    cells: tuple[Cell, ...]
    warmup_s: float
    window_s: float
    min_rounds: int
    max_rounds: int
    budget_s: float
    min_requests: int = 3
    max_s: float = 60.0
    levels: tuple[float, ...] = ()

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
class Profile:
    """variants: names, or None for every variant of every engine.
    budgets: seconds that each section may take, servers' starts not included; a section
        that has none is left out. Below min_rounds it may take longer.
    verify_requests: compared on each target before any load, of which a slow one leaves out
        the rest once verify_s have passed (but never the first two)."""

    name: str
    variants: tuple[str, ...] | None
    budgets: Mapping[str, float]
    min_rounds: int
    window_s: float
    kernel_scenarios: tuple[str, ...]
    io_scenarios: tuple[str, ...]
    mixed_targets: int
    load_targets: int
    levels: tuple[float, ...]
    names: tuple[int, ...] = ()
    names_held_out: tuple[int, ...] = ()
    cutoffs: tuple[float, ...] = ()
    rungs: tuple[str, ...] = ()
    verify_requests: int = 16
    verify_s: float = 3.0


QUICK = Profile(
    name="quick",
    variants=(
        "reference-inline",
        "python-inline",
        "python-process",
        "cython-thread",
        "rust-thread",
        "go-rpc",
    ),
    budgets={"engines": 45, "twins": 18, "io": 10, "load": 12, "mixed": 14},
    min_rounds=3,
    window_s=0.5,
    kernel_scenarios=("matches",),
    io_scenarios=("json", "db"),
    mixed_targets=3,
    load_targets=1,
    levels=(0.3, 0.8),
)
STANDARD = Profile(
    name="standard",
    variants=None,
    budgets={
        "engines": 330, "twins": 130, "io": 60, "ladder": 60, "load": 90, "mixed": 50,
        "crossover": 110,
    },
    min_rounds=3,
    window_s=0.7,
    kernel_scenarios=KERNEL_SCENARIOS,
    io_scenarios=(*IO_SCENARIOS, "rates"),
    mixed_targets=4,
    load_targets=3,
    levels=(0.2, 0.5, 0.8, 0.95),
    names=(1, 4, 16, 64, 256),
    names_held_out=(8, 32, 128),
    cutoffs=(0.95, 0.9, 0.8),
    rungs=("bare", "sqlalchemy", "model", "dict", "starlette", "fast-lane", "asgi"),
    verify_requests=32,
)  # fmt: skip
FULL = replace(
    STANDARD,
    name="full",
    budgets={name: 4 * budget_s for name, budget_s in STANDARD.budgets.items()},
    min_rounds=5,
    window_s=1.0,
    load_targets=4,
    levels=(0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95),
    names=(1, 2, 4, 16, 64, 256),
    verify_requests=128,
)
PROFILES = {profile.name: profile for profile in (QUICK, STANDARD, FULL)}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user chose to measure.

    gateway: whether to measure against it. ladder_servers: those that are installed.
    """

    profile: Profile
    variants: tuple[str, ...]
    scenarios: tuple[str, ...]
    gateway: bool
    ladder_servers: tuple[str, ...] = LADDER_SERVERS

    def main(self, count: int) -> list[str]:
        return ([v for v in MAIN if v in self.variants] or list(self.variants))[:count]

    def against(self) -> list[str]:
        return [GATEWAY] if self.gateway else []


def twin_of(target: str) -> str:
    return f"{target}-twin"


def rung_target(rung: str, server: str) -> str:
    return f"{rung}-{server}"


def sections(chosen: Chosen) -> list[Section]:
    """In the order to measure them; without those that the choice leaves empty."""
    profile = chosen.profile
    made = []
    for name, cells in _CELLS.items():
        found = tuple(cells(chosen))
        if found and name in profile.budgets:
            made.append(_section(name, found, profile))
    return made


def _section(name: str, cells: tuple[Cell, ...], profile: Profile) -> Section:
    common = Section(
        name=name,
        cells=cells,
        warmup_s=0.15,
        window_s=profile.window_s,
        min_rounds=profile.min_rounds,
        max_rounds=60,
        budget_s=profile.budgets[name],
    )
    match name:
        case "twins":  # many short blocks: what drifts is the same for both of a pair
            return replace(common, warmup_s=0.05, window_s=0.3, max_rounds=1000)
        case "load":
            return replace(common, window_s=2 * profile.window_s, levels=profile.levels)
        case "mixed":
            return replace(common, window_s=2 * profile.window_s)
    return common


def _engines(chosen: Chosen) -> list[Cell]:
    cells = []
    for scenario in chosen.profile.kernel_scenarios:
        if scenario in chosen.scenarios:
            against = [] if scenario == "screenings" else chosen.against()  # it has none
            cells += [
                Cell("engines", scenario, target, items=ITEMS[scenario])
                for target in (*chosen.variants, *against)
            ]
            if scenario == "seals":
                cells += [
                    Cell("engines", scenario, target, items=items)
                    for items in SEAL_SIZES
                    for target in (*chosen.main(3), *against)
                ]
    return cells


def _twins(chosen: Chosen) -> list[Cell]:
    scenario = next((s for s in KERNEL_SCENARIOS if s in chosen.scenarios), None)
    if scenario is None:
        return []
    (first,) = chosen.main(1)
    return [
        Cell("twins", scenario, target, items=ITEMS[scenario]) for target in (first, twin_of(first))
    ]


def _io(chosen: Chosen) -> list[Cell]:
    """One user after another: the gateway would bring a crowd's generator to its limit.
    Rates wait for others most of the time, so there it is arrivals that are steady."""
    cells = []
    for scenario in chosen.profile.io_scenarios:
        if scenario in chosen.scenarios:
            for target in (*chosen.main(1), *chosen.against()):
                cell = Cell("io", scenario, target, users=1)
                cells.append(cell.at(RATES_RPS) if scenario == "rates" else cell)
    return cells


def _ladder(chosen: Chosen) -> list[Cell]:
    targets = [rung_target(rung, "uvicorn") for rung in chosen.profile.rungs]
    targets += [
        rung_target(rung, server)
        for rung in ("model", "fast-lane", "asgi")
        if rung in chosen.profile.rungs
        for server in chosen.ladder_servers
        if server != "uvicorn"
    ]
    return [
        Cell("ladder", scenario, target, users=1)
        for scenario in ("json", "db")
        if scenario in chosen.scenarios and targets
        for target in (*targets, *chosen.against())
    ]


def _load(chosen: Chosen) -> list[Cell]:
    if "matches" not in chosen.scenarios:
        return []
    return [
        Cell("load", "matches", target, items=ITEMS["matches"])
        for target in (*chosen.main(chosen.profile.load_targets), *chosen.against())
    ]


def _mixed(chosen: Chosen) -> list[Cell]:
    """Each target with the hot path loaded, and without: the difference is what it costs the
    other users of the loop."""
    if "mixed" not in chosen.scenarios:
        return []
    cells = []
    for target in (*chosen.main(chosen.profile.mixed_targets), *chosen.against()):
        alone = Cell("mixed", "mixed", target, users=0, io_rate_rps=IO_RPS)
        cells += [alone, replace(alone, users=USERS, items=ITEMS["matches"])]
    return cells


def _crossover(chosen: Chosen) -> list[Cell]:
    profile = chosen.profile
    targets = [v for v in (*IN_PROCESS_SWEEP, *SIDECAR_SWEEP) if v in chosen.variants]
    if "matches" not in chosen.scenarios or len(targets) < 2:
        return []
    return [
        Cell("crossover", "matches", target, items=names, work=cutoff, held_out=held_out)
        for held_out in (False, True)
        for names in (profile.names_held_out if held_out else profile.names)
        for cutoff in profile.cutoffs
        for target in targets
    ]


_CELLS: Mapping[str, Callable[[Chosen], Sequence[Cell]]] = {
    "engines": _engines,
    "twins": _twins,
    "io": _io,
    "load": _load,
    "mixed": _mixed,
    "crossover": _crossover,
    "ladder": _ladder,
}
