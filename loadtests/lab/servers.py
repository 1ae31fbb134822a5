"""Servers that a section needs: up, and verified with the requests that they will get."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from loadtests.lab.progress import Progress
from loadtests.lab.records import TargetFacts
from loadtests.lab.requests import Kind, Pool, Pools, fault
from loadtests.lab.sections import Section
from loadtests.lab.targets import LabError, Target, uninterrupted


class Servers:
    """Starts targets when a section needs them, verifies them, and stops them all.

    lost: by name why a target can be measured no more.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        pools: Pools,
        requests: int,
        seconds: float,
        progress: Progress,
    ) -> None:
        self._targets, self._pools, self._progress = targets, pools, progress
        self._requests, self._seconds = requests, seconds
        self._verified: dict[str, dict[str, int]] = {}  # of the targets that were asked for
        self.lost: dict[str, str] = {}
        self._starters = ThreadPoolExecutor(max_workers=os.cpu_count())

    def __getitem__(self, name: str) -> Target:
        return self._targets[name]

    def facts(self) -> dict[str, TargetFacts]:
        """Of the targets that any section so far has asked for."""
        return {name: self[name].facts(verified) for name, verified in self._verified.items()}

    def use(self, section: Section, needed_later: Sequence[str]) -> None:
        """Has the section's targets up and verified for its requests; those that nobody
        needs any more are ended, as even an idle server takes time from the others."""
        for name, target in self._targets.items():
            if target.is_up and name not in {*section.targets(), *needed_later}:
                target.stop()
        kinds: dict[str, set[Kind]] = {}
        for name in section.targets():
            self._verified.setdefault(name, {})
            if name not in self.lost:
                mine = [cell for cell in section.cells if cell.target == name]
                kinds[name] = {k for c in mine for k in c.streams(self._pools.hot).values()}
        for kind in sorted(set().union(*kinds.values()), key=str):
            self._pools[kind]  # made here, not in several threads
        # As many are started at once as there are cores; nothing is measured meanwhile.
        failures = self._starters.map(self._prepare, kinds, kinds.values())
        self.lost |= {name: why for name, why in zip(kinds, failures, strict=True) if why}

    def _prepare(self, name: str, kinds: set[Kind]) -> str | None:
        """Why it cannot be measured, or None."""
        target, verified = self[name], self._verified[name]
        try:
            if target.startup_s is None:
                target.start()
                self._progress.step(f"{name} is up")
            for kind in sorted(kinds, key=str):
                label = "*".join(str(part) for part in kind[:2] if part)
                if label not in verified:
                    pool = self._pools[kind]
                    verified[label] = verify(target, pool, self._requests, self._seconds)
        except LabError as error:
            self._progress.step(f"VOID {error}")
            return str(error)
        return None

    def close(self) -> None:
        with uninterrupted():
            # Stopping the targets is what ends a starter that still waits for one; the
            # second pass is for a server that a starter began in between.
            for wait in (False, True):
                self._starters.shutdown(wait=wait, cancel_futures=True)
                for target in self._targets.values():
                    target.terminate()
                for target in self._targets.values():
                    target.stop()


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
        if wrong := fault(request["check"], status, headers, content, target.headers):
            raise LabError(target.describe(f"failed the verification: {wrong}"))
        done += 1
    return done
