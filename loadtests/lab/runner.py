"""The blocks of a run: sections in rounds, each round in random order."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from loadtests.lab.arrivals import POISSON
from loadtests.lab.locust_process import LocustProcess
from loadtests.lab.progress import Progress
from loadtests.lab.records import Block, Calibration, CellFacts, Pairs, SliceTally
from loadtests.lab.requests import Pools
from loadtests.lab.sections import OPEN_WARMUP_S, Cell, Section
from loadtests.lab.servers import Servers
from loadtests.lab.slices import Order, StreamOrder, together
from loadtests.lab.statistics import block_void
from loadtests.lab.targets import LabError, Target

SLOW = 4  # times as long as planned
SLOW_ROUNDS = 3  # of cells that are: as many as an interval needs
MAX_ROUNDS = 2  # times min_rounds, for cells whose blocks are void
MARGIN_S = 30.0  # for what a slice takes besides its load


@dataclass(slots=True)
class Outcome:
    """What a run has yielded so far; see schema.md."""

    work_us: Mapping[str, float] | None = None
    calibration: Calibration | None = None
    engines: Mapping[str, Any] | None = None
    cells: list[CellFacts] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    voids: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    def saturation(self) -> Mapping[tuple[str, str], float]:
        """The median throughput of each (scenario, target) of the section `engines`."""
        found: dict[tuple[str, str], float] = {}
        for cell in self.cells:
            mine = [block for block in self.blocks if block["cell"] == cell["id"]]
            if cell["section"] == "engines" and mine and cell["id"] not in self.voids:
                rates = [b["streams"]["main"]["completed"] / b["window_s"] for b in mine]
                # Of several batch sizes the first one counts, which is the usual one.
                found.setdefault((cell["scenario"], cell["target"]), median(rates))
        return found


@dataclass(slots=True)
class Begun:
    """A cell's block before its last slice."""

    cell: Cell
    round: int
    position: int
    started_at: str = ""
    slices: list[SliceTally] = field(default_factory=list)
    loop_lag: Pairs | None = None
    spent_s: float = 0.0

    def block(self) -> Block:
        return {
            "cell": self.cell.id,
            "round": self.round,
            "position": self.position,
            "slices": len(self.slices),
            "started_at": self.started_at,
            **together(self.slices),
            "loop_lag": self.loop_lag,
            "void": None,
        }


@dataclass(slots=True)
class Taken:
    """What a cell's blocks took: block_s has what is planned, then what was. sound: how many
    of them are not void."""

    block_s: list[float]
    sound: int = 0

    @property
    def is_slow(self) -> bool:
        return min(self.block_s[1:]) > SLOW * self.block_s[0]


@dataclass
class Measurement:
    """One section after another, into the outcome.

    later_s: what all sections after the current one are expected to take.
    """

    servers: Servers
    pools: Pools
    locust: LocustProcess
    progress: Progress
    outcome: Outcome
    seed: int
    later_s: float = 0.0

    def measure(self, section: Section) -> None:
        """Each round visits every sound cell once, in a seeded random order; only one
        target is under load at a time."""
        dice = random.Random(f"{self.seed} order of {section.name}")
        self._announce(section)
        taken = {cell.id: Taken([section.spans(cell).planned]) for cell in section.cells}
        began = time.monotonic()
        for round_ in range(1, section.max_rounds + 1):
            cells = [
                cell
                for cell in dice.sample(section.cells, k=len(section.cells))
                if cell.id not in self.outcome.voids
                and not (round_ > SLOW_ROUNDS and taken[cell.id].is_slow)
            ]
            round_s = sum(taken[cell.id].block_s[-1] for cell in cells)
            if round_ > section.min_rounds and _since(began) + round_s > section.budget_s:
                cells = [cell for cell in cells if taken[cell.id].sound < section.min_rounds]
                if round_ > MAX_ROUNDS * section.min_rounds:
                    return
            if not cells:
                return
            begun = [Begun(cell, round_, position) for position, cell in enumerate(cells, 1)]
            self._round(section, begun, dice, taken, began)

    def _round(
        self,
        section: Section,
        begun: Sequence[Begun],
        dice: random.Random,
        taken: Mapping[str, Taken],
        began: float,
    ) -> None:
        """One block of each cell, slice by slice."""
        left = {one.cell.id: one for one in begun}
        try:
            while left:
                for one in begun:
                    cell = one.cell
                    if cell.id in self.outcome.voids:  # since this round began
                        del left[cell.id]
                        continue
                    left_s = max(section.budget_s - _since(began), 0.0)
                    label = f"{section.name} {one.round}: {cell.target}"
                    self.progress.block(label, left_s + self.later_s)
                    started = time.monotonic()
                    try:
                        block = self._slice(section, one)
                    except LabError as error:
                        del left[cell.id]
                        self._void(cell, str(error))
                        continue
                    one.spent_s += _since(started)
                    if block["faults"] or block["window_s"] >= section.spans(cell).window:
                        del left[cell.id]
                        self.outcome.blocks.append(block)
                        self.servers[cell.target].note_descendants()
                        if block["faults"]:
                            self._void(cell, block["faults"][0])
                        taken[cell.id].block_s.append(one.spent_s)
                        taken[cell.id].sound += not (block["faults"] or block_void(block))
                begun = dice.sample([one for one in begun if one.cell.id in left], k=len(left))
        except KeyboardInterrupt:
            self.outcome.blocks += [one.block() for one in left.values() if one.slices]
            raise

    def _announce(self, section: Section) -> None:
        for cell in section.cells:
            kinds = cell.streams(self.pools.hot)
            kind = kinds.get("hot") or kinds.get("main")
            request_bytes = self.pools[kind].request_bytes if kind else None
            self.outcome.cells.append(cell.facts(request_bytes or None))
            if cell.target in self.servers.lost:
                self.outcome.voids[cell.id] = self.servers.lost[cell.target]

    def _slice(self, section: Section, one: Begun) -> Block:
        """The block with one more slice. Raises LabError where there are no figures of it."""
        target = self.servers[one.cell.target]
        one.started_at = one.started_at or datetime.now(UTC).isoformat(timespec="milliseconds")
        watches_loop = section.name == "mixed" and target.kind == "service"
        if watches_loop:
            _loop_lag(target, "POST")
        order = self.order(section, one.cell, target, one.round, len(one.slices) + 1)
        figures = self.locust.load(order, OPEN_WARMUP_S + 2 * section.max_s + MARGIN_S)
        if watches_loop and not figures["faults"]:
            one.loop_lag = _loop_lag(target, "GET")
        one.slices.append(figures)
        return one.block()

    def _void(self, cell: Cell, reason: str) -> None:
        """All of a crashed target's cells are void, the measured ones too."""
        if crash := self.servers[cell.target].crashed():
            self.servers.lost[cell.target] = crash
            for mine in self.outcome.cells:
                if mine["target"] == cell.target:
                    self.outcome.voids[mine["id"]] = crash
        self.outcome.voids.setdefault(cell.id, reason)
        self.progress.step(f"VOID {cell.id}: {crash or reason}")

    def order(
        self, section: Section, cell: Cell, target: Target, round_: int, slice_: int = 1
    ) -> Order:
        """All targets get the same requests in the same slice of a round, and with the same seed
        the same arrivals."""
        seed = f"{self.seed} {section.name} {cell.scenario} {cell.items} {round_} {slice_}"
        dice = random.Random(seed)
        streams = []
        for name, kind in cell.streams(self.pools.hot).items():
            pool = self.pools[kind]
            rate_rps = cell.io_rate_rps if name == "io" else cell.rate_rps
            streams.append(
                StreamOrder(
                    name=name,
                    pool=str(pool.path),
                    first=dice.randrange(len(pool.requests)),
                    users=cell.users if rate_rps is None else None,
                    rate_rps=rate_rps,
                    arrivals=cell.arrivals or POISSON,
                )
            )
        spans = section.spans(cell)
        return Order(
            id=f"{cell.id} in round {round_}",
            url=target.url,
            pid=target.pid,
            streams=streams,
            headers=target.headers,
            seed=dice.getrandbits(32),
            warmup_s=spans.warmup,
            window_s=spans.slice,
            max_s=section.max_s,
            min_requests=section.min_requests,
        )


def _since(began: float) -> float:
    return time.monotonic() - began


def _loop_lag(target: Target, method: str) -> Any:
    """POST begins to measure it; GET ends that and gives the histogram."""
    try:
        status, _, content = target.ask(method, "/bench/loop-lag")
    except (OSError, http.client.HTTPException) as error:
        raise LabError(target.crashed() or f"{target.name}: no answer: {error!r}") from error
    if status >= 300:
        raise LabError(target.describe(f"answered /bench/loop-lag with status {status}"))
    return json.loads(content)["late"] if method == "GET" else None
