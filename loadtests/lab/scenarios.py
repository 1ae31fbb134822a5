"""What load is applied, and how much of it a profile asks for."""

from __future__ import annotations

from dataclasses import dataclass

BASELINE = "python-inline"  # the report compares with it, besides the first variant


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests of `names` names each to POST /v1/matches, by `users` users who each
    wait for the answer before they send the next request (a closed model).

    pool: different requests, cycled through; every variant gets the same ones.
    warmup_s, window_s: of each block; the window lasts longer where fewer than
    min_requests are done by then, but no longer than max_s.
    """

    users: int = 2
    names: int = 4
    cutoff: float = 0.9
    limit: int = 5
    pool: int = 512
    seed: int = 20260101
    warmup_s: float = 1.0
    window_s: float = 4.0
    min_requests: int = 4
    max_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Profile:
    """variants: names, or None for every variant of every engine.
    verify_requests: checked on each variant before any load, of which a slow variant
    leaves out the rest once verify_s have passed (but never the first two)."""

    name: str
    variants: tuple[str, ...] | None
    rounds: int
    scenario: Scenario
    verify_requests: int
    verify_s: float


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
    rounds=3,
    scenario=Scenario(),
    verify_requests=32,
    verify_s=6.0,
)
STANDARD = Profile(
    name="standard",
    variants=None,
    rounds=5,
    scenario=Scenario(warmup_s=2.0, window_s=10.0, min_requests=6, max_s=120.0),
    verify_requests=128,
    verify_s=30.0,
)
PROFILES = {profile.name: profile for profile in (QUICK, STANDARD)}
