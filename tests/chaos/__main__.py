"""Every fault, then a table; with 1 where something happened that must not.

python -m tests.chaos [--times N] [WORD ...]     faults whose names have all the words
"""

from __future__ import annotations

import argparse
import pkgutil
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from tests import chaos
from tests.chaos.fault import Fault


def found() -> list[Fault]:
    names = sorted(module.name for module in pkgutil.iter_modules(chaos.__path__))
    modules = [import_module(f"tests.chaos.{name}") for name in names if name != "__main__"]
    return [fault for module in modules for fault in getattr(module, "FAULTS", ())]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--times", type=int)
    options = parser.parse_args()
    chosen = [fault for fault in found() if all(word in fault.name for word in options.words)]
    is_right = bool(chosen)
    print("| fault | times | seen | wrong | seconds |\n|---|---|---|---|---|", flush=True)
    for fault in chosen:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chaos-") as directory:
            outcome = fault.befall(Path(directory), options.times or fault.times)
        is_right = is_right and not outcome.wrong
        cells = (
            *(fault.name, outcome.times, _text(outcome.seen), _text(outcome.wrong) or "nothing"),
            f"{time.monotonic() - started:.0f}",
        )
        print("|", " | ".join(map(str, cells)), "|", flush=True)
    return 0 if is_right else 1


def _text(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
