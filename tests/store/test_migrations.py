"""The migrations make the tables that the code declares, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import service.migrations
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Connection, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from service.cli import app as cli
from service.settings import Settings
from service.store import migrate
from service.store.database import async_url
from service.wiring import METADATA, prepare_database
from tests.databases import Database
from tests.servers import free_port
from tests.test_cli import hotpath

TABLES = {"payments", "screenings", "idempotency_keys", "world", "fortune"}


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
    options = {"compare_type": True, "compare_server_default": True}
    return on(
        database,
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts=options), METADATA
        ),
    )


def migrated(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(service.migrations.__file__).parent))

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        direction = command.downgrade if revision == "base" else command.upgrade
        direction(config, revision)

    on(database, run)


def test_the_schema_is_what_the_code_declares(empty: Database, settings: Settings) -> None:
    migrate.upgrade(settings)
    assert tables(empty) == TABLES | {"alembic_version"}
    assert differences(empty) == []
    empty.run("ALTER TABLE payments DROP COLUMN amount_minor")
    assert differences(empty) != []  # it would have seen one


def test_down_to_nothing_and_up_again(empty: Database, settings: Settings) -> None:
    migrate.upgrade(settings)
    migrated(empty, "base")
    assert tables(empty) == {"alembic_version"}
    migrate.upgrade(settings)
    assert differences(empty) == []


def test_upgrading_again_keeps_what_is_there(empty: Database, settings: Settings) -> None:
    migrate.upgrade(settings)
    empty.run("INSERT INTO fortune (id, message) VALUES (7, 'kept')")
    migrate.upgrade(settings)
    assert empty.rows("SELECT id, message FROM fortune") == [(7, "kept")]


def test_each_migration_alone_goes_on_from_the_one_before(empty: Database) -> None:
    migrated(empty, "0001")
    assert tables(empty) == {"payments", "screenings", "idempotency_keys", "alembic_version"}
    assert migrate.is_outdated(Settings(database_url=empty.url))
    migrated(empty, "head")
    assert differences(empty) == []


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database, settings: Settings) -> None:
    empty.run("CREATE TABLE fortune (id INTEGER)")  # in the way of the last migration
    with pytest.raises(DBAPIError):
        migrate.upgrade(settings)
    assert tables(empty) == {"fortune"}
    empty.run("DROP TABLE fortune")
    migrate.upgrade(settings)
    assert differences(empty) == []


def test_a_database_without_tables_is_outdated_and_one_with_more_is_not(
    empty: Database, settings: Settings
) -> None:
    assert migrate.is_outdated(settings)
    migrate.upgrade(settings)
    assert not migrate.is_outdated(settings)
    empty.run("UPDATE alembic_version SET version_num = '9999'")
    assert not migrate.is_outdated(settings)


def test_amounts_have_room_for_the_largest(empty: Database, settings: Settings) -> None:
    migrate.upgrade(settings)
    columns = on(empty, lambda connection: inspect(connection).get_columns("payments"))
    (amount,) = [column for column in columns if column["name"] == "amount_minor"]
    assert isinstance(amount["type"], BigInteger)


def test_db_upgrade_makes_the_tables(empty: Database) -> None:
    done = CliRunner().invoke(cli, ["db", "upgrade"], env={"HOTPATH_DATABASE_URL": empty.url})
    assert (done.exit_code, done.output) == (0, "the schema is up to date\n")
    assert tables(empty) == TABLES | {"alembic_version"}


def test_db_upgrade_says_when_there_is_no_database(tmp_path: Path) -> None:
    url = f"postgresql://postgres@/x?host={tmp_path}"
    done = hotpath("db", "upgrade", expect=1, HOTPATH_DATABASE_URL=url)
    assert done.stderr.endswith(b"error: the database is busy or gone; retry later\n")


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
@pytest.mark.parametrize("server", ["serve", "gateway"])
def test_a_server_refuses_a_database_that_lacks_a_migration(empty: Database, server: str) -> None:
    migrated(empty, "0001")
    port = str(free_port())
    done = hotpath(server, "--port", port, expect=1, HOTPATH_DATABASE_URL=empty.url)
    assert done.stderr.endswith(
        b"error: database: a migration is missing; run: hotpath db upgrade\n"
    )


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
def test_an_older_service_starts_on_a_newer_embedded_database(
    empty: Database, settings: Settings
) -> None:
    """As PostgreSQL's is let be: who rolls back the service must not be locked out."""
    migrate.upgrade(settings)
    empty.run("UPDATE alembic_version SET version_num = '9999'")
    prepare_database(settings)
    assert empty.rows("SELECT version_num FROM alembic_version") == [("9999",)]
