"""What a server's processes use inside a window, read without making the generator late.

A look through all processes takes milliseconds, and /proc counts CPU time in ticks of
10 ms, which is 3 % of a short block. So the processes are looked up before the load and
after it; at the window's ends only their CPU clocks are read, in microseconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from loadtests.lab.resources import Reading, read_tree, used_between


def cpu_s(pid: int) -> float:
    """User and system time of all its threads, ended ones too. Raises: ProcessLookupError."""
    try:
        if sys.platform != "linux":
            times = psutil.Process(pid).cpu_times()
            return times.user + times.system
        # The clock id of another process's CPU time as clock_getcpuclockid(3) makes it; 2
        # asks for the scheduler's own account, which counts in nanoseconds.
        return time.clock_gettime(~pid << 3 | 2)
    except (OSError, psutil.NoSuchProcess) as error:
        raise ProcessLookupError(f"server process {pid} has ended") from error


def waited_s() -> float | None:
    """How long this process's main thread was ready to run and had no core, so far; None
    where the system does not tell.

    A generator that others crowd out is at its limit long before its CPU time shows it.
    """
    if sys.platform != "linux":
        return None
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="utf-8").split()[1]) / 1e9
    except FileNotFoundError:  # a kernel without CONFIG_SCHED_INFO
        return None


class Meter:
    """In this order: made before the load, opened, closed, used when all is answered.

    Each raises ProcessLookupError where a process has ended.
    """

    def __init__(
        self,
        pid: int,
        tree: Callable[[int], Reading] = read_tree,
        clock: Callable[[int], float] = cpu_s,
    ) -> None:
        self._pid, self._tree, self._clock = pid, tree, clock
        self._found = tree(pid)
        self.generator_cpu_s = 0.0
        self.generator_waited_s: float | None = None

    def open(self) -> None:
        self._opened = self._now()
        self._generator, self._waited = time.process_time(), waited_s()

    def close(self) -> None:
        self.generator_cpu_s = time.process_time() - self._generator
        if self._waited is not None and (waited := waited_s()) is not None:
            self.generator_waited_s = waited - self._waited
        self._closed = self._now()

    def used(self) -> dict[str, Any]:
        """As schema.md has it. A process that began under load counts from its beginning."""
        closed = {
            key: replace(usage, cpu_s=self._closed[key].cpu_s) if key in self._closed else usage
            for key, usage in self._tree(self._pid).items()
        }
        return used_between(self._opened, closed)

    def _now(self) -> Reading:
        return {
            (pid, created): replace(usage, cpu_s=self._clock(pid))
            for (pid, created), usage in self._found.items()
        }
