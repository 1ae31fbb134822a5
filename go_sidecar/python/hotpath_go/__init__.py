"""Where the Go programs are, and which version."""

from __future__ import annotations

import sysconfig
from importlib.metadata import version
from pathlib import Path

__version__ = version("hotpath-go")


def sidecar_path() -> Path:
    """The sidecar's binary, which the wheel put beside the interpreter's other scripts.

    Raises: FileNotFoundError where the package is importable but the binary is gone.
    """
    return _script("hotpath-sidecar")


def gateway_path() -> Path:
    """The gateway's binary. Raises: as sidecar_path."""
    return _script("hotpath-gateway")


def upstream_path() -> Path:
    """The binary of the stand-in for upstreams. Raises: as sidecar_path."""
    return _script("hotpath-upstream")


def _script(name: str) -> Path:
    path = Path(sysconfig.get_path("scripts"), name)
    if not path.is_file():
        raise FileNotFoundError(f"expected {name} at {path}; reinstall hotpath-go")
    return path
