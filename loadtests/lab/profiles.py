"""How much a run measures: quick, standard, full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Profile:
    """min_rounds: of sound blocks, for which twice as many rounds may be made.
    is_whole: every variant of every engine, or those that their table marks as quick.
    hot, io: how many of the scenarios that need an engine, and of those that don't; None for all.
    sizes, sizes_held_out: items of a request that the crossover's models are fitted to, and tested
        with.
    window_s: of blocks in the closed model. open_window_s: where arrivals are steady, of
        which a percentile needs enough.
    budgets: seconds that each section may take, servers' starts not included; a section
        that has none is left out. Below min_rounds it may take longer.
    verify_requests: compared on each target before any load, of which a slow one leaves out
        the rest once verify_s have passed (but never the first two)."""

    name: str
    is_whole: bool
    budgets: Mapping[str, float]
    min_rounds: int
    window_s: float
    open_window_s: float
    hot: int | None
    io: int | None
    mixed_targets: int
    load_targets: int
    levels: tuple[float, ...]
    sizes: tuple[int, ...] = ()
    sizes_held_out: tuple[int, ...] = ()
    rungs: tuple[str, ...] = ()
    verify_requests: int = 16
    verify_s: float = 3.0


QUICK = Profile(
    name="quick",
    is_whole=False,
    budgets={"engines": 50, "twins": 18, "io": 10, "load": 12, "mixed": 14},
    min_rounds=5,
    window_s=0.2,
    open_window_s=0.5,
    hot=1,
    io=2,
    mixed_targets=2,
    load_targets=1,
    levels=(0.3, 0.8),
)
STANDARD = Profile(
    name="standard",
    is_whole=True,
    budgets={
        "engines": 290, "twins": 100, "io": 40, "ladder": 60, "load": 90, "mixed": 55,
        "crossover": 90,
    },
    min_rounds=5,
    window_s=0.2,
    open_window_s=1.0,
    hot=None,
    io=None,
    mixed_targets=4,
    load_targets=3,
    levels=(0.2, 0.5, 0.8, 0.95),
    sizes=(1, 4, 16, 64, 128),
    sizes_held_out=(8, 32),
    rungs=("bare", "sqlalchemy", "model", "dict", "starlette", "compiled", "asgi"),
    verify_requests=32,
)  # fmt: skip
FULL = replace(
    STANDARD,
    name="full",
    budgets={name: 4 * budget_s for name, budget_s in STANDARD.budgets.items()},
    window_s=0.4,
    open_window_s=2.0,
    load_targets=4,
    levels=(0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95),
    sizes=(1, 2, 4, 16, 64, 256),
    verify_requests=128,
)
PROFILES = {profile.name: profile for profile in (QUICK, STANDARD, FULL)}
