"""The command line, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys


def hotpath(
    *arguments: str, stdin: bytes = b"", expect: int = 0, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        input=stdin,
        capture_output=True,
        timeout=250,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == expect, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return done
