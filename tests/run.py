"""Runs every suite to its end and closes with one line: `N passed, N failed, N skipped`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import surroundings

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv/bin/python"
WITHOUT_SAMPLE = ROOT / "tests/without_sample"

Counts = tuple[int, int, int]
"""Passed, failed, skipped."""


def pytest_suite(*command: str | Path, output: IO[str] | None = None) -> Counts:
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        code = subprocess.call(
            [*command, f"--junitxml={report}", *sys.argv[1:]],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
        if not report.exists():
            return 0, 1, 0
        suite = ET.parse(report).getroot().find("testsuite")
        assert suite is not None
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        skipped = int(suite.attrib["skipped"])
        passed = int(suite.attrib["tests"]) - failed - skipped
        return passed, failed or int(code != 0), skipped


def engine_suite(check: Path) -> Counts:
    """Runs its tests, if it has any: they then end with a line of counts as ours do."""
    counts = (0, 0, 0)
    with subprocess.Popen(
        [check, "test"], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if found := re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped\n", line):
                passed, failed, skipped = map(int, found.groups())
                counts = passed, failed, skipped
    passed, failed, skipped = counts
    return passed, failed or int(process.returncode != 0), skipped


def main() -> int:
    surroundings.settle()
    counts = []
    for check in [*sorted(ROOT.glob("native/*/check")), *sorted(ROOT.glob("*/check"))]:
        print(f"== {check.parent.relative_to(ROOT)}", flush=True)
        counts.append(engine_suite(check))
    # Both mostly wait for servers and deadlines: at the same time they take little more than one.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output, ThreadPoolExecutor(1) as beside:
        platform = beside.submit(pytest_suite, PYTHON, WITHOUT_SAMPLE, output=output)
        print("== Python, but the platform", flush=True)
        counts.append(pytest_suite(PYTHON, "-m", "pytest", "-q", "--ignore=tests/platform"))
        print("== the platform, without the sample (at the same time)", flush=True)
        counts.append(platform.result())
        output.seek(0)
        print(output.read(), flush=True)
    passed, failed, skipped = map(sum, zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
