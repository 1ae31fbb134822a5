"""What a server's processes use inside a window, read without making the generator late.

A look through all processes takes milliseconds, and /proc counts CPU time in ticks of
10 ms, which is 3 % of a short block. So the processes are looked up before the load and
after it; at the window's ends only their CPU clocks are read, in microseconds.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from loadtests.lab.records import Role, Usage


@dataclass(frozen=True, slots=True)
class Spent:
    """By one process since it started. cpu_s: user and system time. peak_bytes: the most resident
    memory it ever had, None where the system does not tell."""

    role: Role
    cpu_s: float
    peak_bytes: int | None


Reading = Mapping[tuple[int, float], Spent]  # by process id and creation time


def read_tree(pid: int) -> Reading:
    """Process `pid` and its descendants, now.

    A descendant that runs the same executable (a pool's worker) counts as the
    server, any other one as the sidecar. Raises ProcessLookupError without `pid`.
    """
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
        executable = root.exe()
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f"server process {pid} has ended") from error
    reading = {}
    for process in processes:
        try:
            times = process.cpu_times()
            role: Role = "server" if process.exe() == executable else "sidecar"
            spent = Spent(role, times.user + times.system, _peak_bytes(process.pid))
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue  # ended since it was listed; used_between tells if that matters
        reading[process.pid, process.create_time()] = spent
    return reading


def used_between(opened: Reading, closed: Reading) -> dict[Role, Usage]:
    """What the tree used from one reading to the next, by role.

    Memory shared between processes is counted once for each of them.
    Raises ProcessLookupError where a process ended in between, for its time is lost.
    """
    if lost := opened.keys() - closed.keys():
        raise ProcessLookupError(
            f"processes {sorted(pid for pid, _ in lost)} of the server ended inside the window"
        )
    return {"server": _used("server", opened, closed), "sidecar": _used("sidecar", opened, closed)}


def _used(role: Role, opened: Reading, closed: Reading) -> Usage:
    mine = {key: spent for key, spent in closed.items() if spent.role == role}
    before = sum(opened[key].cpu_s for key in mine if key in opened)
    peaks = [spent.peak_bytes for spent in mine.values() if spent.peak_bytes is not None]
    return {
        "processes": len(mine),
        "cpu_s": sum(spent.cpu_s for spent in mine.values()) - before,
        "peak_memory_bytes": sum(peaks) if len(peaks) == len(mine) else None,
    }


def _peak_bytes(pid: int) -> int | None:
    if not sys.platform.startswith("linux"):
        return None  # no other system tells one process about another's peak
    found = re.search(
        r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.M
    )
    return int(found[1]) * 1024 if found else 0  # a zombie has no memory any more


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

    def used(self) -> dict[Role, Usage]:
        """As schema.md has it. A process that began under load counts from its beginning."""
        closed = {
            key: replace(spent, cpu_s=self._closed[key].cpu_s) if key in self._closed else spent
            for key, spent in self._tree(self._pid).items()
        }
        return used_between(self._opened, closed)

    def _now(self) -> Reading:
        return {
            (pid, created): replace(spent, cpu_s=self._clock(pid))
            for (pid, created), spent in self._found.items()
        }
