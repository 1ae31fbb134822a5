"""CPU time and peak memory of a server and everything it started."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SERVER, SIDECAR = "server", "sidecar"


@dataclass(frozen=True, slots=True)
class Usage:
    """role: SERVER or SIDECAR; cpu_s: user and system time since the process started;
    peak_bytes: the most resident memory it ever had, None where the system does not tell."""

    role: str
    cpu_s: float
    peak_bytes: int | None


Reading = Mapping[tuple[int, float], Usage]  # by process id and creation time


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
            role = SERVER if process.exe() == executable else SIDECAR
            usage = Usage(role, times.user + times.system, _peak_bytes(process.pid))
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue  # ended since it was listed; used_between tells if that matters
        reading[process.pid, process.create_time()] = usage
    return reading


def used_between(opened: Reading, closed: Reading) -> dict[str, Any]:
    """What the tree used from one reading to the next, by role.

    Memory shared between processes is counted once for each of them.
    Raises ProcessLookupError where a process ended in between, for its time is lost.
    """
    if lost := opened.keys() - closed.keys():
        raise ProcessLookupError(
            f"processes {sorted(pid for pid, _ in lost)} of the server ended inside the window"
        )
    used: dict[str, Any] = {}
    for role in (SERVER, SIDECAR):
        mine = {key: usage for key, usage in closed.items() if usage.role == role}
        peaks = [usage.peak_bytes for usage in mine.values()]
        used[role] = {
            "processes": len(mine),
            "cpu_s": sum(
                usage.cpu_s - (opened[key].cpu_s if key in opened else 0.0)
                for key, usage in mine.items()
            ),
            "peak_memory_bytes": None if None in peaks else sum(p for p in peaks if p is not None),
        }
    return used


def _peak_bytes(pid: int) -> int | None:
    if not sys.platform.startswith("linux"):
        return None  # no other system tells one process about another's peak
    found = re.search(
        r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.M
    )
    return int(found[1]) * 1024 if found else 0  # a zombie has no memory any more
