"""`make template`: projects of each engine, made and tried. Prints how long each step took."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scaffold.new import PROJECT, parts
from scaffold.new.project import ROOT

LIMIT_S = 1200
OUT = ROOT / "out/template"
STEPS = ("setup", "lint", "test")


def choices() -> list[tuple[str, str | None]]:
    """Engines and sample: python alone, with each other engine, and all of them."""
    optional = [name for kind, name in parts.manifest() if kind == "engine"]
    samples = [None, *(name for kind, name in parts.manifest() if kind == "sample")]
    engines = ["python", *(f"python,{name}" for name in optional), ",".join(["python", *optional])]
    return list(itertools.product(engines, samples))


def step(command: list[str], folder: Path, log: Path) -> float | None:
    """Returns: seconds; None where it failed, or took longer than LIMIT_S."""
    began = time.monotonic()
    # None of make's, which would take the steps' own make for a part of it.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    with log.open("a") as output:
        print("$", *command, file=output, flush=True)
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(LIMIT_S)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            print(f"took longer than {LIMIT_S} s", file=output)
            return None
    return None if code else time.monotonic() - began


def trial(engines: str, sample: str | None, root: Path, directory: Path, log: Path) -> list[float]:
    """Returns: the seconds of `new` and of each of STEPS, up to the first that failed."""
    new = [sys.executable, "-m", "service.cli", "new", str(directory), "--name", "acme"]
    new += ["--engines", engines, *(["--sample", sample] if sample else [])]
    commands = [(new, root), *((["make", name], directory) for name in STEPS)]
    seconds = []
    for command, folder in commands:
        if (taken := step(command, folder, log)) is None:
            break
        seconds.append(taken)
    return seconds


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    failed = 0
    print("".join(f"{title:>8}" for title in ("new", *STEPS)), "  seconds of")
    for engines, sample in choices():
        of = f"{engines} {sample or ''}".strip()
        log = OUT / f"{of.replace(',', '-').replace(' ', '-')}.log"
        with tempfile.TemporaryDirectory(prefix=f"{PROJECT}-template-") as outside:
            seconds = trial(engines, sample, ROOT, Path(outside, "acme"), log)
        whole = len(seconds) == 1 + len(STEPS)
        failed += not whole
        columns = [f"{taken:8.0f}" for taken in seconds] + ([] if whole else ["  FAILED"])
        note = of if whole else f"{of}; see {log.relative_to(ROOT)}"
        print("".join(columns).ljust(8 * (1 + len(STEPS))), f"  {note}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
