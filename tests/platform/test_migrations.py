"""The migrations make the tables that the code declares, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from service.settings import Settings
from service.startup import prepare_database, schemas
from service.store import migrate
from service.store.tables import SCHEMA as PLATFORM
from tests.databases import Database
from tests.platform.running import hotpath
from tests.platform.toy import DOMAIN
from tests.schemas import differences, migrated, tables
from tests.servers import free_port

VERSIONS = {"schema_version_platform", "schema_version_toy", "schema_version_bench"}
TABLES = {"things", "idempotency_keys"}
BENCH_TABLES = {"world", "fortune"}


def upgrade(settings: Settings) -> None:
    migrate.upgrade(settings, schemas(settings, DOMAIN))


def is_outdated(settings: Settings) -> bool:
    return migrate.is_outdated(settings, schemas(settings, DOMAIN))


@pytest.fixture
def bench_too(settings: Settings) -> Settings:
    return settings.model_copy(update={"bench_routes": True})


def test_the_schema_is_what_the_code_declares(empty: Database, bench_too: Settings) -> None:
    upgrade(bench_too)
    assert tables(empty) == TABLES | BENCH_TABLES | VERSIONS
    assert differences(empty, schemas(bench_too, DOMAIN)) == []
    empty.run("ALTER TABLE things DROP COLUMN name")
    assert differences(empty, schemas(bench_too, DOMAIN)) != []  # it would have seen one


def test_a_database_that_serves_has_no_table_of_the_bench(
    empty: Database, settings: Settings
) -> None:
    upgrade(settings)
    assert tables(empty) == TABLES | VERSIONS - {"schema_version_bench"}


def test_down_to_nothing_and_up_again(empty: Database, bench_too: Settings) -> None:
    upgrade(bench_too)
    for schema in schemas(bench_too, DOMAIN):
        migrated(empty, schema, "base")
    assert tables(empty) == VERSIONS
    upgrade(bench_too)
    assert differences(empty, schemas(bench_too, DOMAIN)) == []


def test_one_schema_goes_down_and_the_others_stay(empty: Database, settings: Settings) -> None:
    upgrade(settings)
    assert DOMAIN.schema
    migrated(empty, DOMAIN.schema, "base")
    assert tables(empty) - VERSIONS == {"idempotency_keys"}
    assert is_outdated(settings)


def test_upgrading_again_keeps_what_is_there(empty: Database, bench_too: Settings) -> None:
    upgrade(bench_too)
    empty.run("INSERT INTO fortune (id, message) VALUES (7, 'kept')")
    upgrade(bench_too)
    assert empty.rows("SELECT id, message FROM fortune") == [(7, "kept")]


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database, bench_too: Settings) -> None:
    empty.run("CREATE TABLE fortune (id INTEGER)")  # in the way of the last migration
    with pytest.raises(DBAPIError):
        upgrade(bench_too)
    assert tables(empty) == {"fortune"}
    empty.run("DROP TABLE fortune")
    upgrade(bench_too)
    assert differences(empty, schemas(bench_too, DOMAIN)) == []


def test_a_database_without_tables_is_outdated_and_one_with_more_is_not(
    empty: Database, settings: Settings
) -> None:
    assert is_outdated(settings)
    upgrade(settings)
    assert not is_outdated(settings)
    empty.run("UPDATE schema_version_toy SET version_num = '9999'")
    assert not is_outdated(settings)


def test_db_upgrade_makes_the_tables(empty: Database) -> None:
    done = hotpath("db", "upgrade", HOTPATH_DATABASE_URL=empty.url)
    assert done.stdout == b"the schema is up to date\n"
    assert tables(empty) == TABLES | VERSIONS - {"schema_version_bench"}


def test_db_upgrade_says_when_there_is_no_database(tmp_path: Path) -> None:
    url = f"postgresql://postgres@/x?host={tmp_path}"
    done = hotpath("db", "upgrade", expect=1, HOTPATH_DATABASE_URL=url)
    assert done.stderr.endswith(b"error: the database is busy or gone; retry later\n")


@pytest.mark.parametrize("empty", ["postgresql"], indirect=True)
def test_serve_refuses_a_database_that_lacks_a_migration(empty: Database) -> None:
    migrated(empty, PLATFORM, "head")  # and not the domain's
    port = str(free_port())
    done = hotpath("serve", "--port", port, expect=1, HOTPATH_DATABASE_URL=empty.url)
    assert done.stderr.endswith(
        b"error: database: a migration is missing; run: hotpath db upgrade\n"
    )


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
def test_an_older_service_starts_on_a_newer_embedded_database(
    empty: Database, settings: Settings
) -> None:
    """As PostgreSQL's is let be: who rolls back the service must not be locked out."""
    upgrade(settings)
    empty.run("UPDATE schema_version_platform SET version_num = '9999'")
    prepare_database(settings, DOMAIN)
    assert empty.rows("SELECT version_num FROM schema_version_platform") == [("9999",)]
