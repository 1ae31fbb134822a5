"""The sample's tables, in new databases and in those of before each schema had its history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Connection, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from service.screening import DOMAIN
from service.screening.tables import SCHEMA
from service.settings import Settings
from service.startup import schemas
from service.store import migrate
from service.store.database import async_url
from service.store.tables import SCHEMA as PLATFORM
from tests.command_line import hotpath
from tests.databases import Database, Sqlite
from tests.postgres import new_database
from tests.servers import free_port

VERSIONS = {"schema_version_platform", "schema_version_screening", "schema_version_bench"}
TABLES = {"payments", "screenings", "idempotency_keys"}
BENCH_TABLES = {"world", "fortune"}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database of each kind, with nothing in it."""
    if request.param == "sqlite":
        return Sqlite(tmp_path / "empty.db")
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def settings(empty: Database) -> Settings:
    return Settings(database_url=empty.url, bench_routes=True)


def on(database: Database, function: Callable[[Connection], Any]) -> Any:
    async def run() -> Any:
        engine = create_async_engine(async_url(database.url))
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(function)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def tables(database: Database) -> set[str]:
    return on(database, lambda connection: set(inspect(connection).get_table_names()))


def differences(database: Database) -> list[Any]:
    """What is in the code and not there, or otherwise, or too much."""
    declared = SCHEMA.metadata.tables
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "table" or name in declared,
    }
    return on(
        database,
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts=options), SCHEMA.metadata
        ),
    )


def upgrade(settings: Settings) -> None:
    migrate.upgrade(settings, schemas(settings, DOMAIN))


def test_the_schema_is_what_the_code_declares(empty: Database, settings: Settings) -> None:
    upgrade(settings)
    assert tables(empty) == TABLES | BENCH_TABLES | VERSIONS
    assert differences(empty) == []
    empty.run("ALTER TABLE payments DROP COLUMN amount_minor")
    assert differences(empty) != []  # it would have seen one


def test_down_to_nothing_and_up_again(empty: Database, settings: Settings) -> None:
    upgrade(settings)
    on(empty, lambda connection: command.downgrade(migrate.config(connection, SCHEMA), "base"))
    assert tables(empty) == TABLES - {"payments", "screenings"} | BENCH_TABLES | VERSIONS
    upgrade(settings)
    assert differences(empty) == []


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_database_of_the_one_history_of_before_keeps_its_rows(
    empty: Database, settings: Settings, revision: str
) -> None:
    upgrade(settings)
    for table in VERSIONS | (set() if revision == "0002" else BENCH_TABLES):
        empty.run(f"DROP TABLE {table}")
    empty.run("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    empty.run(f"INSERT INTO alembic_version (version_num) SELECT '{revision}'")  # ours
    empty.run(
        "INSERT INTO idempotency_keys (operation, key, fingerprint, status, body, created_at)"
        " VALUES ('POST /', 'kept', '', 201, '', '2026-11-25 00:00:00')"
    )
    upgrade(settings)
    assert not migrate.is_outdated(settings, schemas(settings, DOMAIN))
    assert tables(empty) == TABLES | BENCH_TABLES | VERSIONS | {"alembic_version"}
    assert empty.rows("SELECT key FROM idempotency_keys") == [("kept",)]


def test_amounts_have_room_for_the_largest(empty: Database, settings: Settings) -> None:
    upgrade(settings)
    columns = on(empty, lambda connection: inspect(connection).get_columns("payments"))
    (amount,) = [column for column in columns if column["name"] == "amount_minor"]
    assert isinstance(amount["type"], BigInteger)


# engine: go
@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_the_gateway_refuses_a_database_that_lacks_a_migration(empty: Database) -> None:
    on(empty, lambda connection: command.upgrade(migrate.config(connection, PLATFORM), "head"))
    port = str(free_port())
    done = hotpath("gateway", "--port", port, expect=1, HOTPATH_DATABASE_URL=empty.url)
    assert done.stderr.endswith(
        b"error: database: a migration is missing; run: hotpath db upgrade\n"
    )


# engine: end
