"""The records of result.json, by the names of schema.md, which says what each field means.

They are made by one function each and changed by none; whoever adds to one makes another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

Pairs = Sequence[Sequence[int]]
"""A histogram: buckets and their counts."""
Bounds = Sequence[float] | None
Role = Literal["server", "sidecar"]
Percentile = Literal["p50", "p90", "p99", "p999", "max"]


class Usage(TypedDict):
    processes: int
    cpu_s: float
    peak_memory_bytes: int | None


class StreamTally(TypedDict):
    model: str
    rate_rps: float | None
    taken: int
    completed: int
    latency: Pairs
    raw_latency: Pairs
    lag: Pairs
    max_in_flight: int
    gave_up: int


class Tally(TypedDict):
    """What the generator saw in a slice, or in the slices of a block together."""

    window_s: float
    streams: Mapping[str, StreamTally]
    usage: Mapping[Role, Usage] | None
    generator_cpu_s: float
    generator_waited_s: NotRequired[float | None]
    generator_real_time: NotRequired[bool]
    faults: Sequence[str]


class SliceTally(Tally):
    id: str


class Block(Tally):
    cell: str
    round: int
    position: int
    slices: NotRequired[int]
    started_at: str
    loop_lag: NotRequired[Pairs | None]
    void: NotRequired[str | None]


class Load(TypedDict):
    """What targets that are compared have in common."""

    section: str
    scenario: str
    model: str
    users: int | None
    items: int | None
    work: float | None


class CellFacts(Load):
    """A Cell, and what its requests are like."""

    id: str
    target: str
    rate_rps: float | None
    arrivals: str | None
    request_bytes: float | None
    held_out: bool
    io_rate_rps: float | None


class TargetFacts(TypedDict):
    """What a Target is, and what became of it."""

    kind: str
    variant: str | None
    server: str | None
    rung: str | None
    twin_of: str | None
    slowed: float | None
    environment: Mapping[str, str]
    startup_s: float | None
    verification: Mapping[str, int]


class Spread(TypedDict):
    median: float
    low: float | None
    high: float | None
    blocks: int


class Calibration(TypedDict):
    ceiling_rps: Spread
    cpu_us_per_request: float
    users: int
    blocks: Sequence[SliceTally]


class Latency(TypedDict):
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float
    intervals: Mapping[str, Bounds]


class PriceSpread(TypedDict):
    amount: Spread | None
    currency: str


class Cost(TypedDict):
    vcpu_hours: Spread
    price: PriceSpread | None


class RoleSummary(TypedDict):
    processes: int
    cpu_ms_per_request: Spread | None
    peak_memory_bytes: int | None


class Summary(TypedDict):
    requests: int
    throughput_rps: Spread | None
    latency_ms: Mapping[str, Latency | None]
    lag_ms: Mapping[str, float | None] | None
    loop_lag_ms: Latency | None
    generator_cpu_share: Spread | None
    per_core_rps: Spread | None
    cost_per_million: Cost | None
    server: RoleSummary
    sidecar: RoleSummary
    void: str | None


class Comparison(Load):
    numerator: str
    denominator: str
    metric: str
    ratio: float
    low: float | None
    high: float | None
    pairs: int


class Model(TypedDict):
    boundary_us: float
    per_byte_ns: float
    per_work: float
    intervals: Mapping[str, Bounds]
    cells: int
    error: float
    held_out_error: float | None


class Swept(TypedDict):
    """A batch size and a level of work, on all targets."""

    items: int
    work: float
    request_bytes: float
    held_out: bool
    work_us: float
    measured_us: Mapping[str, float]


class Contest(Swept):
    """Of `crossover` a cell: who won, and who should have."""

    predicted_us: Mapping[str, float]
    winner: str | None
    predicted_winner: str | None
    regret: float | None
    certain: bool


class PaysFrom(TypedDict):
    sidecar: str
    against: str
    work_us: float | None
    low: float | None
    high: float | None


class Crossover(TypedDict):
    unit: str
    work_us: Mapping[str, float]
    models: Mapping[str, Model]
    cells: Sequence[Contest]
    hit_rate: float | None
    held_out: int
    certain_hit_rate: float | None
    certain: int
    pays_from: Sequence[PaysFrom]


class Verdict(TypedDict):
    scenario: str
    target: str
    section: str | None
    cell: str | None
    metric: str
    limit: str
    value: float | None
    passed: bool
    reason: str | None


class Result(TypedDict):
    schema: str
    started_at: str
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    commit: Mapping[str, Any] | None
    engines: Mapping[str, Any] | None
    calibration: Calibration | None
    work_us: Mapping[str, float] | None
    targets: Mapping[str, TargetFacts]
    cells: Sequence[CellFacts]
    blocks: Sequence[Block]
    voids: Mapping[str, str]
    interrupted: bool
    finished_at: str
    complete: bool
    summary: Mapping[str, Summary]
    comparisons: Sequence[Comparison]
    crossover: Crossover | None
    verdicts: Sequence[Verdict]


def load_of(record: CellFacts | Comparison) -> Load:
    return {
        "section": record["section"],
        "scenario": record["scenario"],
        "model": record["model"],
        "users": record["users"],
        "items": record["items"],
        "work": record["work"],
    }
