"""What the figures were measured on: recorded with them, or they say nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil

from service.offload.spec import EngineSpec

PACKAGES = {  # those whose version can move a figure
    "aiohttp", "asyncpg", "fastapi", "gevent", "granian", "grpcio", "hotpath", "httptools",
    "hypercorn", "locust", "numpy", "pydantic", "pydantic-core", "rapidfuzz", "sqlalchemy",
    "starlette", "uvicorn", "uvloop",
}  # fmt: skip


def describe(engines: Iterable[EngineSpec]) -> dict[str, Any]:
    noted = PACKAGES | {spec.distribution for spec in engines}
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "usable_cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": list(os.getloadavg()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {
            name: distribution.version
            for distribution in distributions()
            if (name := re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()) in noted
        },
    }


def commit() -> dict[str, Any] | None:
    """The commit of the tree this file is in, and whether the tree differs from it;
    None outside of a git checkout."""
    tree = Path(__file__).parents[2]
    try:
        head, changes = (
            subprocess.run(
                ["git", "-C", str(tree), *command],  # noqa: S607  # whichever git there is
                capture_output=True,
                text=True,
                check=True,
                encoding="utf-8",
            ).stdout.strip()
            for command in (("rev-parse", "HEAD"), ("status", "--porcelain"))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"hash": head, "dirty": bool(changes)}


def _cpu_model() -> str:
    try:
        found = re.search(
            r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M
        )
    except FileNotFoundError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()
