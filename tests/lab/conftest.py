"""One report of made-up figures, written once for all tests that only read it."""

from __future__ import annotations

import copy
import json

import pytest

from tests.lab import made_up


@pytest.fixture(scope="session")
def whole():
    """All sections and a verdict."""
    # Here, so that the tests of other parts of the lab run without what draws charts.
    from loadtests.lab import session

    result = session.worked_out(made_up.full(rounds=6), made_up.BASELINES)
    result["verdicts"] = [
        {"scenario": "matches", "target": "rust-thread", "metric": "p99_ms", "limit": "at most 1",
         "value": 2.0, "passed": False, "reason": None},
    ]  # fmt: skip
    return result


@pytest.fixture(scope="session")
def written(whole, tmp_path_factory):
    """A directory with result.json and its report, where an older report was."""
    from loadtests.lab import report
    from loadtests.lab.report.figures import Figures

    directory = tmp_path_factory.mktemp("report")
    (directory / "charts").mkdir()
    (directory / "charts" / "stale.svg").write_text("of an earlier report")
    (directory / "result.json").write_text(json.dumps(whole))
    before = copy.deepcopy(whole)
    assert report.write(Figures(whole, made_up.BASELINES), directory) == directory / "report.html"
    assert whole == before
    return directory
