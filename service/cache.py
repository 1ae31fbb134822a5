"""Where programs that the service starts find what is made once and read again."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from service.errors import ServiceError


def directory() -> Path:
    """A folder of this user's alone: hotpath in XDG_CACHE_HOME or ~/.cache, else, where a
    container or a service's user has no such place, one among the temporary files.

    Raises: ServiceError not_configured where there is none that can be written.
    """
    reasons = []
    for path in (_of_the_user(), Path(_temporary(), f"hotpath-{os.getuid()}")):
        if path is None:
            continue
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = path.lstat()
        except OSError as error:
            reasons.append(f"{path}: {error.strerror}")
            continue
        # Anybody may have made one of that name among the temporary files.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            reasons.append(f"{path}: not this user's own folder")
        elif not os.access(path, os.W_OK | os.X_OK):
            reasons.append(f"{path}: Permission denied")
        else:
            return path
    raise ServiceError(
        "not_configured",
        "cache: expected a folder that can be written, named by XDG_CACHE_HOME or in HOME or "
        f"TMPDIR, got {'; '.join(reasons)}",
    )


def _of_the_user() -> Path | None:
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given, "hotpath")
    try:
        return Path.home() / ".cache" / "hotpath"
    except RuntimeError:  # a user without a name or a home
        return None


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # none of them can be written
        return os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  # to be named in the error
