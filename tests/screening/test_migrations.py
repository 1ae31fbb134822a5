"""The sample's tables, in new databases and in those of before each schema had its history."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, inspect

from service.screening import DOMAIN
from service.screening.tables import SCHEMA
from service.settings import Settings
from service.startup import schemas
from service.store import migrate
from service.store.tables import SCHEMA as PLATFORM
from tests.command_line import hotpath
from tests.databases import Database
from tests.schemas import differences, migrated, on, tables
from tests.servers import free_port

VERSIONS = {"schema_version_platform", "schema_version_screening", "schema_version_bench"}
TABLES = {"payments", "screenings", "idempotency_keys"}
BENCH_TABLES = {"world", "fortune"}


@pytest.fixture
def settings(empty: Database) -> Settings:
    return Settings(database_url=empty.url, bench_routes=True)


def upgrade(settings: Settings) -> None:
    migrate.upgrade(settings, schemas(settings, DOMAIN))


def test_the_schema_is_what_the_code_declares(empty: Database, settings: Settings) -> None:
    upgrade(settings)
    assert tables(empty) == TABLES | BENCH_TABLES | VERSIONS
    assert differences(empty, schemas(settings, DOMAIN)) == []
    empty.run("ALTER TABLE payments DROP COLUMN amount_minor")
    assert differences(empty, schemas(settings, DOMAIN)) != []  # it would have seen one


def test_down_to_nothing_and_up_again(empty: Database, settings: Settings) -> None:
    upgrade(settings)
    migrated(empty, SCHEMA, "base")
    assert tables(empty) == TABLES - {"payments", "screenings"} | BENCH_TABLES | VERSIONS
    upgrade(settings)
    assert differences(empty, schemas(settings, DOMAIN)) == []


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
    migrated(empty, PLATFORM, "head")
    port = str(free_port())
    done = hotpath("gateway", "--port", port, expect=1, HOTPATH_DATABASE_URL=empty.url)
    assert done.stderr.endswith(
        b"error: database: a migration is missing; run: hotpath db upgrade\n"
    )


# engine: end
