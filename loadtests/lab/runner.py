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

from loadtests.lab.locust_process import LocustProcess
from loadtests.lab.progress import Progress
from loadtests.lab.scenarios import OPEN_WARMUP_S, Cell, Section
from loadtests.lab.servers import Servers, StoredPools
from loadtests.lab.slices import joined
from loadtests.lab.statistics import block_void
from loadtests.lab.targets import LabError, Target

SLOW = 4  # times as long as planned
SLOW_ROUNDS = 3  # of cells that are: as many as an interval needs
MAX_ROUNDS = 2  # times min_rounds, for cells whose blocks are void
CONNECTIONS = 64  # that the open model may open
MARGIN_S = 30.0  # for what a block takes besides its load

Blocks = dict[str, dict[str, Any]]  # by cell id
Rates = Mapping[tuple[str, str], float]


@dataclass
class Outcome:
    """What a run yielded, complete or not; see schema.md."""

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: list[dict[str, Any]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    voids: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    def saturation(self) -> Rates:
        """The median throughput of each (scenario, target) of the section `engines`."""
        found: dict[tuple[str, str], float] = {}
        for cell in self.cells:
            mine = [block for block in self.blocks if block["cell"] == cell["id"]]
            if cell["section"] == "engines" and mine and cell["id"] not in self.voids:
                rates = [b["streams"]["main"]["completed"] / b["window_s"] for b in mine]
                # Of several batch sizes the first one counts, which is the usual one.
                found.setdefault((cell["scenario"], cell["target"]), median(rates))
        return found


@dataclass
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
    pools: StoredPools
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
            order = [
                cell
                for cell in dice.sample(section.cells, k=len(section.cells))
                if cell.id not in self.outcome.voids
                and not (round_ > SLOW_ROUNDS and taken[cell.id].is_slow)
            ]
            round_s = sum(taken[cell.id].block_s[-1] for cell in order)
            if round_ > section.min_rounds and _since(began) + round_s > section.budget_s:
                order = [cell for cell in order if taken[cell.id].sound < section.min_rounds]
                if round_ > MAX_ROUNDS * section.min_rounds:
                    return
            if not order:
                return
            unfinished: Blocks = {
                cell.id: {"cell": cell.id, "round": round_, "position": position, "slices": 0}
                for position, cell in enumerate(order, 1)
            }
            try:
                self._round(section, order, unfinished, dice, taken, began)
            except KeyboardInterrupt:
                begun = [b for b in unfinished.values() if b["slices"]]
                self.outcome.blocks += [b for b in begun if b not in self.outcome.blocks]
                raise

    def _round(
        self,
        section: Section,
        order: Sequence[Cell],
        unfinished: Blocks,
        dice: random.Random,
        taken: Mapping[str, Taken],
        began: float,
    ) -> None:
        """One block of each cell, slice by slice; out of `unfinished` once it has ended."""
        spent_s = dict.fromkeys(unfinished, 0.0)
        while order:
            for cell in order:
                if cell.id in self.outcome.voids:  # since this round began
                    del unfinished[cell.id]
                    continue
                left_s = max(section.budget_s - _since(began), 0.0)
                block = unfinished[cell.id]
                label = f"{section.name} {block['round']}: {cell.target}"
                self.progress.block(label, left_s + self.later_s)
                started = time.monotonic()
                ended = self._slice(section, cell, block)
                spent_s[cell.id] += _since(started)
                if ended:
                    del unfinished[cell.id]
                    taken[cell.id].block_s.append(spent_s[cell.id])
                    taken[cell.id].sound += block.get("faults") == [] and not block_void(block)
            order = dice.sample(
                [cell for cell in order if cell.id in unfinished], k=len(unfinished)
            )

    def _announce(self, section: Section) -> None:
        for cell in section.cells:
            sizes = [
                self.pools[key][0].request_bytes
                for name, key in self.pools.keys(cell).items()
                if name != "io"
            ]
            self.outcome.cells.append(
                cell.facts() | {"request_bytes": sizes[0] if sizes and sizes[0] else None}
            )
            if cell.target in self.servers.lost:
                self.outcome.voids[cell.id] = self.servers.lost[cell.target]

    def _slice(self, section: Section, cell: Cell, block: dict[str, Any]) -> bool:
        """Adds to the block, and to the outcome once it is whole. Returns: whether it has ended,
        which it may do without having become one."""
        target = self.servers[cell.target]
        block.setdefault("started_at", datetime.now(UTC).isoformat(timespec="milliseconds"))
        number = block["slices"] + 1
        watches_loop = section.name == "mixed" and target.facts["kind"] == "service"
        try:
            if watches_loop:
                _loop_lag(target, "POST")
            figures = self.locust.load(
                self.command(section, cell, target, block["round"], number),
                OPEN_WARMUP_S + 2 * section.max_s + MARGIN_S,
            )
            lag = None
            if watches_loop and not figures["faults"]:
                lag = _loop_lag(target, "GET")
        except LabError as error:
            self._void(cell, target, str(error))
            return True
        figures.pop("id")
        block |= joined(block, figures) if number > 1 else figures
        block |= {"slices": number, "loop_lag": lag, "void": None}
        if not block["faults"] and block["window_s"] < section.spans(cell).window:
            return False
        target.note_descendants()
        self.outcome.blocks.append(block)
        if block["faults"]:
            self._void(cell, target, str(block["faults"][0]))
        return True

    def _void(self, cell: Cell, target: Target, reason: str) -> None:
        """All of a crashed target's cells are void, the measured ones too."""
        if crash := target.crashed():
            self.servers.lost[cell.target] = crash
            for mine in self.outcome.cells:
                if mine["target"] == cell.target:
                    self.outcome.voids[mine["id"]] = crash
        self.outcome.voids.setdefault(cell.id, reason)
        self.progress.step(f"VOID {cell.id}: {crash or reason}")

    def command(
        self, section: Section, cell: Cell, target: Target, round_: int, slice_: int = 1
    ) -> dict[str, Any]:
        """What generator.py takes. All targets get the same requests in the same slice of a
        round, and with the same seed the same arrivals."""
        seed = f"{self.seed} {section.name} {cell.scenario} {cell.items} {round_} {slice_}"
        dice = random.Random(seed)
        streams = []
        for name, key in self.pools.keys(cell).items():
            pool, path = self.pools[key]
            stream: dict[str, Any] = {"name": name, "pool": str(path)}
            stream["first"] = dice.randrange(len(pool.requests))
            rate_rps = cell.io_rate_rps if name == "io" else cell.rate_rps
            if rate_rps is None:
                stream |= {"model": "closed", "users": cell.users}
            else:
                stream |= {"model": "open", "rate_rps": rate_rps, "connections": CONNECTIONS}
                stream["arrivals"] = cell.arrivals or "poisson"
            streams.append(stream)
        spans = section.spans(cell)
        return {
            "id": f"{cell.id} in round {round_}",
            "url": target.url,
            "pid": target.pid,
            "headers": dict(target.headers),
            "seed": dice.getrandbits(32),
            "warmup_s": spans.warmup,
            "window_s": spans.slice,
            "min_requests": section.min_requests,
            "max_s": section.max_s,
            "streams": streams,
        }


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
