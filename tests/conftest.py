"""Fixtures for all tests; those of the sample are in tests/screening/fixtures.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from tests import surroundings

# Before anything reads them.
surroundings.settle()

from tests.databases import Database, Sqlite  # noqa: E402
from tests.postgres import Cluster, cluster, new_database  # noqa: E402

# The same examples in each run, however long they take; `make fuzz` draws others.
hypothesis.register_profile(
    "steady",
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis.load_profile("steady")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database of each kind, with nothing in it."""
    if request.param == "sqlite":
        return Sqlite(tmp_path / "empty.db")
    return new_database(request.getfixturevalue("postgres"))
