from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import Settings
from tests.databases import Database, Sqlite
from tests.postgres import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database of each kind, with nothing in it."""
    if request.param == "sqlite":
        return Sqlite(tmp_path / "empty.db")
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def settings(empty: Database) -> Settings:
    return Settings(database_url=empty.url)
