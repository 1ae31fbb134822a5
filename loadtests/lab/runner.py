"""The blocks of a run: sections in rounds, each round in random order."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from loadtests.lab.locust_process import LocustProcess
from loadtests.lab.progress import Progress
from loadtests.lab.scenarios import Cell, Section
from loadtests.lab.servers import Servers, StoredPools, pool_keys
from loadtests.lab.targets import LabError, Target

SLOW = 4  # times as long as planned
SLOW_ROUNDS = 3  # of cells that are: as many as an interval needs
CONNECTIONS = 64  # that the open model may open
MARGIN_S = 30.0  # for what a block takes besides its load

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
        planned_s = section.warmup_s + section.window_s
        block_s = {cell.id: [planned_s] for cell in section.cells}  # the plan, then as it was
        began = time.monotonic()
        for round_ in range(1, section.max_rounds + 1):
            order = dice.sample(section.cells, k=len(section.cells))
            taking_part = [
                (position, cell)
                for position, cell in enumerate(order, 1)
                if cell.id not in self.outcome.voids
                and (round_ <= SLOW_ROUNDS or min(block_s[cell.id][1:]) <= SLOW * planned_s)
            ]
            round_s = sum(block_s[cell.id][-1] for _, cell in taking_part)
            spent_s = time.monotonic() - began
            if not taking_part:
                return
            if round_ > section.min_rounds and spent_s + round_s > section.budget_s:
                return
            for position, cell in taking_part:
                if cell.id in self.outcome.voids:  # since this round began
                    continue
                left_s = max(section.budget_s - (time.monotonic() - began), 0.0)
                self.progress.block(
                    f"{section.name} {round_}: {cell.target}", left_s + self.later_s
                )
                started = time.monotonic()
                self._block(section, cell, round_, position)
                block_s[cell.id].append(time.monotonic() - started)

    def _announce(self, section: Section) -> None:
        for cell in section.cells:
            sizes = [
                self.pools[key][0].request_bytes
                for name, key in pool_keys(cell).items()
                if name != "io"
            ]
            self.outcome.cells.append(
                cell.facts() | {"request_bytes": sizes[0] if sizes and sizes[0] else None}
            )
            if cell.target in self.servers.lost:
                self.outcome.voids[cell.id] = self.servers.lost[cell.target]

    def _block(self, section: Section, cell: Cell, round_: int, position: int) -> None:
        target = self.servers[cell.target]
        place = {"cell": cell.id, "round": round_, "position": position}
        place["started_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        watches_loop = section.name == "mixed" and target.facts["kind"] == "service"
        try:
            if watches_loop:
                _loop_lag(target, "POST")
            figures = self.locust.load(
                self.command(section, cell, target, round_),
                section.warmup_s + 2 * section.max_s + MARGIN_S,
            )
            target.note_descendants()
            lag = None
            if watches_loop and not figures["faults"]:
                lag = _loop_lag(target, "GET")
        except LabError as error:
            self._void(cell, target, str(error))
            return
        figures.pop("id")
        self.outcome.blocks.append(place | figures | {"loop_lag": lag, "void": None})
        if figures["faults"]:
            self._void(cell, target, str(figures["faults"][0]))

    def _void(self, cell: Cell, target: Target, reason: str) -> None:
        """All of a crashed target's cells are void, the measured ones too."""
        if crash := target.crashed():
            self.servers.lost[cell.target] = crash
            for mine in self.outcome.cells:
                if mine["target"] == cell.target:
                    self.outcome.voids[mine["id"]] = crash
        self.outcome.voids.setdefault(cell.id, reason)
        self.progress.step(f"VOID {cell.id}: {crash or reason}")

    def command(self, section: Section, cell: Cell, target: Target, round_: int) -> dict[str, Any]:
        """What generator.py takes. All targets get the same requests of a round, and with
        the same seed the same arrivals."""
        seed = f"{self.seed} {section.name} {cell.scenario} {cell.items} {round_}"
        dice = random.Random(seed)
        streams = []
        for name, key in pool_keys(cell).items():
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
        return {
            "id": f"{cell.id} in round {round_}",
            "url": target.url,
            "pid": target.pid,
            "headers": dict(target.headers),
            "seed": dice.getrandbits(32),
            "warmup_s": section.warmup_s,
            "window_s": section.window_s,
            "min_requests": section.min_requests,
            "max_s": section.max_s,
            "streams": streams,
        }


def _loop_lag(target: Target, method: str) -> Any:
    """POST begins to measure it; GET ends that and gives the histogram."""
    try:
        status, _, content = target.ask(method, "/bench/loop-lag")
    except (OSError, http.client.HTTPException) as error:
        raise LabError(target.crashed() or f"{target.name}: no answer: {error!r}") from error
    if status >= 300:
        raise LabError(target.describe(f"answered /bench/loop-lag with status {status}"))
    return json.loads(content)["late"] if method == "GET" else None
