"""Where the Go sidecar is, and which version."""

from __future__ import annotations

import sysconfig
from importlib.metadata import version
from pathlib import Path

__version__ = version("hotpath-go")


def sidecar_path() -> Path:
    """The sidecar's binary, which the wheel put beside the interpreter's other scripts.

    Raises: FileNotFoundError where the package is importable but the binary is gone.
    """
    path = Path(sysconfig.get_path("scripts"), "hotpath-sidecar")
    if not path.is_file():
        raise FileNotFoundError(f"expected the sidecar at {path}; reinstall hotpath-go")
    return path
