"""Whether the lab finds out that an engine has become slower by a little."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from loadtests.lab import plan
from loadtests.lab.domain import lab_of, usual
from loadtests.lab.records import Result
from loadtests.lab.requests import Kind
from loadtests.lab.sections import Cell, Section, sections, twin_of
from loadtests.lab.targets import LabError
from service.domain import Domain

ITEMS = 128  # of a request, with the most work: most of its time is the kernel's


@dataclass(frozen=True, slots=True)
class Detection:
    """A figure of the slowed server as a share of the other's.

    expected: from the time that the server itself says its kernel takes.
    """

    metric: str
    ratio: float
    low: float
    high: float
    pairs: int
    expected: float

    @property
    def is_found(self) -> bool:
        return self.high < 1

    def words(self) -> str:
        found = "found" if self.is_found else "NOT found"
        agrees = "within" if self.low <= self.expected <= self.high else "outside of"
        return (
            f"{self.metric}: {found}: {self.ratio:.4f} of the other's "
            f"(95 % {self.low:.4f} to {self.high:.4f}, {self.pairs} pairs); "
            f"{self.expected:.4f} was to be expected, which is {agrees} the interval"
        )


Carry = Callable[[plan.Asked, Sequence[Section]], Result]


def detect(
    domain: Domain,
    factor: float,
    seconds: float,
    out: Path,
    seed: int,
    pin: bool,
    carried_out: Carry,
) -> list[Detection]:
    """One user after another on two servers of one variant, one of which is slowed.
    Raises LabError."""
    variant, lab = usual(domain.engines), lab_of(domain)
    scenario = lab.swept() or next(iter(lab.hot()), None)
    if scenario is None:
        raise LabError(f"{domain.name}: has no scenario that needs an engine")
    work = scenario.work.levels[-1] if scenario.work else None
    chosen = plan.choose(domain, "quick", (variant,), (scenario.name,), "none")
    chosen = replace(chosen, profile=replace(chosen.profile, budgets={"twins": seconds}))
    (section,) = sections(chosen)
    cells = tuple(
        Cell("twins", scenario.name, name, users=1, items=ITEMS, work=work)
        for name in (variant, twin_of(variant))
    )
    section = replace(section, cells=cells, window_s=0.4)
    asked = plan.Asked(chosen, out, lab.options(), seed=seed, pin=pin, slowed=factor)
    result = carried_out(asked, [section])
    if result["voids"] or result["interrupted"]:
        raise LabError(next(iter(result["voids"].values()), "interrupted before the end"))
    lost_ms = (factor - 1) * _kernel_ms(asked, section, cells[0])
    before = result["summary"][cells[0].id]
    found = []
    for metric, rate in (
        ("throughput_rps", before["throughput_rps"]),
        ("per_core_rps", before["per_core_rps"]),
    ):
        (ratio,) = (c for c in result["comparisons"] if c["metric"] == metric)
        low, high = ratio["low"], ratio["high"]
        if rate is None or low is None or high is None:
            raise LabError(f"{metric}: too few pairs for an interval, got {ratio['pairs']}")
        request_ms = 1000 / rate["median"]  # of the clock, or of CPU time
        expected = request_ms / (request_ms + lost_ms)
        found.append(Detection(metric, ratio["ratio"], low, high, ratio["pairs"], expected))
    return found


def _kernel_ms(asked: plan.Asked, section: Section, cell: Cell) -> float:
    """Of a request, as the server that is not slowed says in its headers."""
    with plan.planned(asked, [section]) as planned:
        target = planned.targets[cell.target]
        try:
            target.start()
            times = []
            for one in planned.pools[Kind(cell.scenario, cell.items, cell.work)].requests * 5:
                _, headers, _ = target.ask(one["method"], one["path"], one["body"])
                spent = re.search(r"kernel;dur=([0-9.]+)", headers["Server-Timing"])
                assert spent is not None
                times.append(float(spent[1]))
        finally:
            target.stop()
    return median(times)
