"""The generator's process, as the lab sees it: orders go in, figures come out."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtests.lab.progress import Progress
from loadtests.lab.records import SliceTally
from loadtests.lab.slices import Order
from loadtests.lab.targets import LabError, pinned, uninterrupted

TREE = Path(__file__).parents[2]  # where the package loadtests is
MODULE = "loadtests.lab.generator"
START_TIMEOUT_S = 60.0
TICK_S = 0.1


class LocustProcess:
    """Locust with the lab's user class, for all slices of a run; see generator.py.

    It is started anew for the order after one that it did not survive.
    """

    def __init__(self, log: Path, progress: Progress, cores: Sequence[int] | None) -> None:
        self._log, self._progress, self._cores = log, progress, cores
        self._process: subprocess.Popen[bytes] | None = None

    def load(self, order: Order, timeout_s: float) -> SliceTally:
        """Raises LabError where there are no figures."""
        if self._process is None:
            self.start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise self._lost("has ended") from error
        figures: SliceTally = self._answer(timeout_s)
        return figures

    def close(self) -> None:
        if self._process is not None:
            with uninterrupted():
                assert self._process.stdin is not None
                self._process.kill()
                self._process.wait()
                with suppress(OSError):  # what was not written goes nowhere
                    self._process.stdin.close()
                assert self._process.stdout is not None
                self._process.stdout.close()
            self._process = None

    def start(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (str(TREE), os.environ.get("PYTHONPATH")))
        )
        with self._log.open("ab") as log:
            # A session of its own: on Ctrl-C it is the lab that ends it.
            self._process = subprocess.Popen(
                pinned([sys.executable, "-m", MODULE], self._cores),
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        if not self._answer(START_TIMEOUT_S).get("ready"):
            raise self._lost("did not start as expected")

    def _answer(self, timeout_s: float) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._progress.tick()
            if not select.select([self._process.stdout], [], [], TICK_S)[0]:
                continue
            line = self._process.stdout.readline()
            if not line:
                raise self._lost("has ended")
            try:
                return json.loads(line)
            except ValueError as error:
                raise self._lost(f"answered {line[:200]!r}") from error
        raise self._lost(f"gave no answer within {timeout_s:.0f} s")

    def _lost(self, what: str) -> LabError:
        """Ends what is left of it."""
        self.close()
        tail = self._log.read_text(errors="replace", encoding="utf-8")[-2000:]
        return LabError(f"the generator {what}; the end of {self._log}:\n{tail or '(empty)'}")


@contextmanager
def locust(log: Path, progress: Progress, cores: Sequence[int] | None) -> Iterator[LocustProcess]:
    process = LocustProcess(log, progress, cores)
    try:
        process.start()
        yield process
    finally:
        process.close()
