"""`make steady`: the suite again and again beside busy neighbours, every other time as a script
starts it in its background. Ends with a table; arguments go to pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out/steady"
RUNS = int(os.environ.get("RUNS", "10"))
NEIGHBOURS = int(os.environ.get("NEIGHBOURS", str(os.cpu_count() or 1)))
SUITE = (sys.executable, str(ROOT / "tests/run.py"), *sys.argv[1:])
IN_BACKGROUND = ("sh", "-c", 'trap "" INT HUP; exec "$@"', "sh")


@contextmanager
def busy_neighbours() -> Iterator[None]:
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(NEIGHBOURS)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    rows, is_steady = [], True
    for number in range(1, RUNS + 1):
        log = OUT / f"{number}.log"
        ignored = number % 2 == 0
        started = time.monotonic()
        with busy_neighbours(), log.open("wb") as output:
            code = subprocess.call(
                [*(IN_BACKGROUND if ignored else ()), *SUITE],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        text = log.read_text(errors="replace")
        counts = re.findall(r"^\d+ passed, \d+ failed, \d+ skipped$", text, re.M)
        is_steady = is_steady and code == 0
        rows.append(
            f"{number:>3}  {(time.monotonic() - started) / 60:5.1f} min  "
            f"{'INT, HUP ignored' if ignored else '':<16}  {counts[-1] if counts else 'no counts'}"
        )
        print(rows[-1], flush=True)
        for name in re.findall(
            r"^(?:FAILED|ERROR) \S+|^ *--- FAIL: \S+|^test .* FAILED$", text, re.M
        ):
            rows.append(f"     {name.strip()}")
            print(rows[-1], flush=True)
    (OUT / "table.txt").write_text("\n".join(rows) + "\n")
    return 0 if is_steady else 1


if __name__ == "__main__":
    sys.exit(main())
