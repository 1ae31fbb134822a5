"""Where the Go programs are, and which version."""

from __future__ import annotations

import sysconfig
from importlib.metadata import version
from pathlib import Path

__version__ = version("hotpath-go")


def program_path(name: str) -> Path:
    """A program's binary, which the wheel put beside the interpreter's other scripts.

    name: a folder of cmd.
    Raises: FileNotFoundError where the package is importable but the binary is gone.
    """
    path = Path(sysconfig.get_path("scripts"), f"hotpath-{name}")
    if not path.is_file():
        raise FileNotFoundError(f"expected {path.name} at {path}; reinstall hotpath-go")
    return path


def sidecar_path() -> Path:
    """The sidecar's binary; the engine table names this function. Raises: as program_path."""
    return program_path("sidecar")
