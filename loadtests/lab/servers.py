"""Servers that a section needs: up, and verified with the requests that they will get."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from loadtests.lab import answers
from loadtests.lab.bench_routes import DB
from loadtests.lab.fleet import shown_environment
from loadtests.lab.progress import Progress
from loadtests.lab.requests import Pool
from loadtests.lab.scenarios import MIXED, Cell, Section
from loadtests.lab.targets import LabError, Target, uninterrupted

PoolKey = tuple[str, int | None, float | None]  # scenario, items, work


class MakesPools(Protocol):
    @property
    def hot(self) -> str:
        """The scenario that stands for the hot path."""
        ...

    def pool(self, scenario: str, items: int | None, work: float | None) -> Pool: ...


class StoredPools:
    """Pools as files, each made when it is first needed."""

    def __init__(self, source: MakesPools, directory: Path) -> None:
        self._source, self._directory = source, directory
        self._made: dict[PoolKey, tuple[Pool, Path]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, key: PoolKey) -> tuple[Pool, Path]:
        if key not in self._made:
            pool = self._source.pool(*key)
            path = self._directory / f"{'-'.join(str(part) for part in key if part)}.json"
            pool.write(path)
            self._made[key] = pool, path.resolve()
        return self._made[key]

    def keys(self, cell: Cell) -> dict[str, PoolKey]:
        """By stream."""
        if cell.scenario != MIXED:
            return {"main": (cell.scenario, cell.items, cell.work)}
        io: dict[str, PoolKey] = {"io": (DB.name, None, None)}
        return {"hot": (self._source.hot, cell.items, cell.work)} | io if cell.users else io


class Servers:
    """Starts targets when a section needs them, verifies them, and stops them all.

    lost: by name why a target can be measured no more.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        pools: StoredPools,
        requests: int,
        seconds: float,
        progress: Progress,
        facts: dict[str, dict[str, Any]],
    ) -> None:
        self._targets, self._pools, self._progress = targets, pools, progress
        self._requests, self._seconds, self._facts = requests, seconds, facts
        self.lost: dict[str, str] = {}
        self._starters = ThreadPoolExecutor(max_workers=os.cpu_count())

    def __getitem__(self, name: str) -> Target:
        return self._targets[name]

    def use(self, section: Section, needed_later: Sequence[str]) -> None:
        """Has the section's targets up and verified for its requests; those that nobody
        needs any more are ended, as even an idle server takes time from the others."""
        for name, target in self._targets.items():
            if target.is_up and name not in {*section.targets(), *needed_later}:
                target.stop()
        for name in section.targets():
            environment = {"environment": shown_environment(self._targets[name].env)}
            started: dict[str, Any] = {"startup_s": None, "verification": {}}
            self._facts.setdefault(name, self._targets[name].facts | environment | started)
        names = [name for name in section.targets() if name not in self.lost]
        keys: dict[str, set[PoolKey]] = {name: set() for name in names}
        for cell in section.cells:
            if cell.target in keys:
                keys[cell.target].update(self._pools.keys(cell).values())
        for key in sorted(set().union(*keys.values()), key=str):
            self._pools[key]  # made here, not in several threads
        # As many are started at once as there are cores; nothing is measured meanwhile.
        failures = self._starters.map(lambda name: self._prepare(name, keys[name]), names)
        self.lost |= {name: why for name, why in zip(names, failures, strict=True) if why}

    def _prepare(self, name: str, keys: set[PoolKey]) -> str | None:
        target = self._targets[name]
        try:
            facts = self._facts[name]
            if facts["startup_s"] is None:
                facts["startup_s"] = target.start()
                self._progress.step(f"{name} is up")
            verified = facts["verification"]
            for key in sorted(keys, key=str):
                label = "*".join(str(part) for part in key[:2] if part)
                if label not in verified:
                    verified[label] = verify(
                        target, self._pools[key][0], self._requests, self._seconds
                    )
        except LabError as error:
            self._progress.step(f"VOID {error}")
            return str(error)
        return None

    def stop(self) -> None:
        with uninterrupted():
            # Stopping the targets is what ends a starter that still waits for one; the
            # second pass is for a server that a starter began in between.
            for wait in (False, True):
                self._starters.shutdown(wait=wait, cancel_futures=True)
                for target in self._targets.values():
                    target.terminate()
                for target in self._targets.values():
                    target.stop()


@contextmanager
def serving(servers: Servers) -> Iterator[Servers]:
    try:
        yield servers
    finally:
        servers.stop()


def verify(target: Target, pool: Pool, requests: int, seconds: float) -> int:
    """Compares answers with the expected ones before any load; counts what was compared."""
    started = time.monotonic()
    done = 0
    for request in pool.requests[:requests]:
        if done >= 2 and time.monotonic() - started > seconds:
            break
        try:
            status, headers, content = target.ask(
                request["method"], request["path"], request["body"]
            )
        except (OSError, http.client.HTTPException) as error:
            raise LabError(target.crashed() or f"{target.name}: no answer: {error!r}") from error
        fault = answers.fault(request["check"], status, headers, content, target.headers)
        if fault is not None:
            raise LabError(target.describe(f"failed the verification: {fault}"))
        done += 1
    return done
