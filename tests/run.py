"""Runs every suite to its end and closes with one line: `N passed, N failed, N skipped`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import surroundings

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv/bin/python"
WITHOUT_SAMPLE = ROOT / "tests/without_sample"


def pytest_suite(*command: str | Path) -> tuple[int, int, int]:
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.xml")
        code = subprocess.call([*command, f"--junitxml={report}", *sys.argv[1:]], cwd=ROOT)
        if not report.exists():
            return 0, 1, 0
        suite = ET.parse(report).getroot().find("testsuite")
        assert suite is not None
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        skipped = int(suite.attrib["skipped"])
        passed = int(suite.attrib["tests"]) - failed - skipped
        return passed, failed or int(code != 0), skipped


def engine_suite(check: Path) -> tuple[int, int, int]:
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
    totals = [0, 0, 0]
    suites = {
        str(check.parent.relative_to(ROOT)): partial(engine_suite, check)
        for check in [*sorted(ROOT.glob("native/*/check")), *sorted(ROOT.glob("*/check"))]
    }
    rest = (PYTHON, "-m", "pytest", "-q", "--ignore=tests/platform")
    suites["the platform, without the sample"] = partial(pytest_suite, PYTHON, WITHOUT_SAMPLE)
    suites["Python, but the platform"] = partial(pytest_suite, *rest)
    for name, suite in suites.items():
        print(f"== {name}", flush=True)
        for place, count in enumerate(suite()):
            totals[place] += count
    passed, failed, skipped = totals
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
