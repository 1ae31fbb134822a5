"""Connections, and what is held against the database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.bench import tables as bench
from service.errors import ServiceError
from service.settings import Settings
from service.startup import schemas
from service.store import migrate
from service.store.database import Database as Pool
from service.store.database import has_wal_reset_bug
from service.store.tables import KEYS
from tests.databases import Database, Sqlite
from tests.platform.running import hotpath
from tests.platform.toy import DOMAIN


def test_every_pooled_connection_to_sqlite_is_durable_and_strict(tmp_path: Path) -> None:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/x.db", database_pool_size=4, database_timeout_s=1.5
    )
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1500}

    async def run() -> None:
        async with Pool(settings) as pool:
            entered = [pool.write() if n == 3 else pool.read() for n in range(4)]
            connections = [await found.__aenter__() for found in entered]
            for connection in connections:
                for name, expected in pragmas.items():
                    assert await connection.scalar(text(f"PRAGMA {name}")) == expected
            for found in entered:
                await found.__aexit__(None, None, None)

    asyncio.run(run())


def test_the_pool_is_closed_behind_the_service(empty: Database, settings: Settings) -> None:
    def connections() -> int:
        if isinstance(empty, Sqlite):
            return sum("empty.db" in file.path for file in psutil.Process().open_files())
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        ((count,),) = empty.rows(query)
        return count - 1  # the one that asks

    async def run() -> int:
        async with Pool(settings) as pool, pool.read() as one, pool.write() as two:
            await one.execute(text("SELECT 1"))
            await two.execute(text("SELECT 1"))
            return await asyncio.to_thread(connections)

    assert asyncio.run(run()) >= 2
    assert connections() == 0


def test_a_missing_table_is_not_the_databases_fault(empty: Database, settings: Settings) -> None:
    async def run() -> None:
        async with Pool(settings) as pool:
            for scope in (pool.read, pool.write):
                with pytest.raises(DBAPIError):
                    async with scope() as connection:
                        await connection.execute(text("SELECT * FROM nothing"))
            assert await pool.healthy()

    asyncio.run(run())


def test_a_broken_constraint_is_not_the_databases_fault(
    empty: Database, settings: Settings
) -> None:
    migrate.upgrade(settings, [bench.SCHEMA])

    async def run() -> None:
        async with Pool(settings) as pool, pool.write() as connection:
            for _ in range(2):
                await connection.execute(text("INSERT INTO world VALUES (1, 1)"))

    with pytest.raises(DBAPIError):
        asyncio.run(run())
    assert empty.rows("SELECT * FROM world") == []


def test_more_requests_than_connections_wait_and_then_give_up(
    empty: Database, settings: Settings
) -> None:
    small = settings.model_copy(update={"database_pool_size": 1, "database_timeout_s": 1})

    async def run() -> None:
        async with Pool(small) as pool:

            async def hold() -> None:
                async with pool.read() as connection:
                    await connection.execute(text("SELECT 1"))
                    await asyncio.sleep(60)

            for error in await asyncio.gather(hold(), hold(), return_exceptions=True):
                assert isinstance(error, ServiceError)
                assert error.code == "database_unavailable"
            assert await pool.healthy()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        # sqlite.org/wal.html: in 3.7.0 to 3.51.2; fixed in 3.51.3, 3.50.7 and 3.44.6.
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 43, 2), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 9), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_which_versions_have_the_wal_reset_bug(version, is_affected: bool) -> None:
    assert has_wal_reset_bug(version) is is_affected


def test_db_prune_removes_the_keys_of_more_than_a_day(empty: Database, settings: Settings) -> None:
    migrate.upgrade(settings, schemas(settings, DOMAIN))
    now = datetime.now(UTC)
    ages = {"now": 0, "recent": 23.9, "old": 24.1, "ancient": 24 * 400}

    async def fill() -> None:
        async with Pool(settings) as pool, pool.write() as connection:
            for key, hours in ages.items():
                await connection.execute(
                    KEYS.insert().values(
                        operation="POST /x",
                        key=key,
                        fingerprint=b"",
                        status=201,
                        body=b"",
                        created_at=now - timedelta(hours=hours),
                    )
                )

    asyncio.run(fill())
    done = hotpath("db", "prune", HOTPATH_DATABASE_URL=empty.url)
    assert done.stdout == b"2 keys removed\n"
    keys = "SELECT key FROM idempotency_keys ORDER BY key"
    assert empty.rows(keys) == [("now",), ("recent",)]
