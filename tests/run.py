"""Runs every suite to its end and closes with one line: `N passed, N failed, N skipped`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = ROOT / ".venv/bin"


def python_suite() -> tuple[int, int, int]:
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        code = subprocess.call(
            [BIN / "python", "-m", "pytest", "-q", f"--junitxml={report}", *sys.argv[1:]], cwd=ROOT
        )
        if not report.exists():
            return 0, 1, 0
        suite = ET.parse(report).getroot().find("testsuite")
        assert suite is not None
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        skipped = int(suite.attrib["skipped"])
        passed = int(suite.attrib["tests"]) - failed - skipped
        return passed, failed or int(code != 0), skipped


def rust_suite() -> tuple[int, int, int]:
    passed = failed = skipped = 0
    code = 0
    for line in lines(["cargo", "test", "-q"], ROOT / "native/rust"):
        if isinstance(line, int):
            code = line
            continue
        sys.stdout.write(line)
        if found := re.match(r"test result: .* (\d+) passed; (\d+) failed; (\d+) ignored", line):
            passed, failed, skipped = (
                have + int(more) for have, more in zip((passed, failed, skipped), found.groups())
            )
    return passed, failed or int(code != 0), skipped


def go_suite() -> tuple[int, int, int]:
    counts = {"pass": 0, "fail": 0, "skip": 0}
    code = 0
    # -count=1: its cache does not see the shared vectors, which lie outside of its module.
    for line in lines(["go", "test", "-count=1", "-json", "./..."], ROOT / "go_sidecar"):
        if isinstance(line, int):
            code = line
            continue
        try:
            event = json.loads(line)
        except ValueError:
            sys.stdout.write(line)
            continue
        if event["Action"] in counts and "Test" in event:
            counts[event["Action"]] += 1
        elif event["Action"] in counts:
            print(f"{event['Action']} {event['Package']}")
        elif event["Action"] == "output" and re.match(
            r"\s*(--- FAIL|\S+_test\.go:)", event["Output"]
        ):
            sys.stdout.write(event["Output"])
    return counts["pass"], counts["fail"] or int(code != 0), counts["skip"]


def lines(command: list[str], directory: Path) -> Iterator[str | int]:
    """The lines that a command prints, and its exit code at the end."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "GOTOOLCHAIN": "local"}
    with subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        yield from process.stdout
    yield process.returncode


def main() -> int:
    totals = [0, 0, 0]
    for name, suite in (("Rust", rust_suite), ("Go", go_suite), ("Python", python_suite)):
        print(f"== {name}", flush=True)
        for place, count in enumerate(suite()):
            totals[place] += count
    passed, failed, skipped = totals
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
