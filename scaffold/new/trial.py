"""`make template`: projects of each engine, made and tried. Prints how long each step took.

With `--quick`, for CI, only the smallest project and the largest run all that is theirs. The
others' tests are those of the domain: the platform's and the lab's files are the same in all.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scaffold.new import PROJECT, parts
from scaffold.new.project import ROOT

LIMIT_S = 1200
OUT = ROOT / "out/template"
STEPS = ("new", "setup", "lint", "test", "demo")
QUICK_STEPS = ("new", "setup", "lint", "domain", "test")
OF_THE_DOMAIN = ("tests/conformance", "tests/contract", "tests/nearest", "tests/screening")


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
    with log.open("a", encoding="utf-8") as output:
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


def trial(
    engines: str,
    sample: str | None,
    root: Path,
    directory: Path,
    log: Path,
    steps: Sequence[str] = STEPS,
) -> dict[str, float | None]:
    """Returns: seconds of each step, as step gives them; none after one that the others need."""
    new = [sys.executable, "-m", "service.cli", "new", str(directory), "--name", "acme"]
    new += ["--engines", engines, *(["--sample", sample] if sample else [])]
    taken = {"new": step(new, root, log)}
    for name in steps[1:]:
        if taken["new"] is None or taken.get("setup", 0) is None:
            break
        command = ["make", name]
        if name == "domain":
            there = [tests for tests in OF_THE_DOMAIN if (directory / tests).exists()]
            command = [".venv/bin/python", "-m", "pytest", "-q", *there]
        taken[name] = step(command, directory, log)
    return taken


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    is_quick = sys.argv[1:] == ["--quick"]
    columns = QUICK_STEPS if is_quick else STEPS
    failed = False
    print("".join(f"{name:>8}" for name in columns), "  seconds of", flush=True)
    every = choices()
    for engines, sample in every:
        in_whole = not is_quick or (engines, sample) in (every[0], every[-2])
        wanted = [name for name in columns if name != ("domain" if in_whole else "test")]
        of = f"{engines} {sample or ''}".strip()
        log = OUT / f"{of.replace(',', '-').replace(' ', '-')}.log"
        # Outside of the clone, as any project.
        with tempfile.TemporaryDirectory(prefix=f"{PROJECT}-template-") as outside:
            taken = trial(engines, sample, ROOT, Path(outside, "acme"), log, wanted)
        cells = dict.fromkeys(columns, "")
        for name in wanted:
            seconds = taken.get(name)
            cells[name] = "FAILED" if seconds is None else str(round(seconds))
        note = of
        if "FAILED" in cells.values():
            failed = True
            note += f"; see {log.relative_to(ROOT)}"
        print("".join(f"{cell:>8}" for cell in cells.values()), f"  {note}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
