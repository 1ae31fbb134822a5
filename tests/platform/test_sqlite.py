"""SQLite's two threads: who waits for whom, and what is committed together."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, MetaData, Table, Text, bindparam, column, select, text

from service.errors import ServiceError
from service.settings import Settings
from service.startup import schemas
from service.store import migrate
from service.store.database import Database
from service.store.statements import Statement, Step
from tests.platform.toy import DOMAIN
from tests.platform.toy.tables import THINGS

INSERT = Statement(THINGS.insert())
NAMES = Statement(select(THINGS.c.name).order_by(THINGS.c.name))
NAMED = Statement(select(THINGS.c.id).where(THINGS.c.name == bindparam("name")))


def step(name: str | None, identifier: UUID | None = None) -> Step:
    values = {"id": identifier or uuid4(), "name": name, "created_at": datetime.now(UTC)}
    return Step(INSERT, values)


@asynccontextmanager
async def opened(path: Path, timeout_s: float = 60) -> AsyncIterator[Database]:
    settings = Settings(database_url=f"sqlite:///{path}", database_timeout_s=timeout_s)
    await asyncio.to_thread(migrate.upgrade, settings, schemas(settings, DOMAIN))
    async with Database(settings) as database:
        yield database


def another_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


async def names(database: Database) -> list[str]:
    return [row.name for row in await database.fetch(NAMES)]


def test_readers_do_not_wait_behind_writers(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path / "x.db") as database:
            other = another_writer(tmp_path / "x.db")
            writing = [asyncio.create_task(database.execute(step(f"{n}"))) for n in range(40)]
            for _ in range(40):
                assert await names(database) == []
            assert not any(task.done() for task in writing)
            other.execute("ROLLBACK")
            await asyncio.gather(*writing)
            assert len(await names(database)) == 40
            other.close()

    asyncio.run(test())


def test_a_read_whose_caller_left_holds_up_no_other(tmp_path: Path) -> None:
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000000) "
        "SELECT count(*) AS found FROM n WHERE i > (SELECT count(*) FROM things)"
    ).columns(column("found"))

    async def test() -> None:
        async with opened(tmp_path / "x.db") as database:
            other = sqlite3.connect(tmp_path / "x.db", timeout=0)
            leaving = asyncio.create_task(database.fetch(Statement(endless)))
            # Once it reads, the log cannot be emptied.
            while other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                await database.execute(step("x"))
            leaving.cancel()
            assert "x" in await names(database)
            other.close()

    asyncio.run(test())


def test_what_fails_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """Of those that are committed together: they all wait for another writer first."""

    async def test() -> None:
        async with opened(tmp_path / "x.db") as database:
            other = another_writer(tmp_path / "x.db")
            same = uuid4()
            steps = [step("a"), step("b", same), step("c", same), step(None), step("d")]
            tasks = [asyncio.create_task(database.execute(one)) for one in steps]
            await names(database)
            other.execute("ROLLBACK")
            done = await asyncio.gather(*tasks, return_exceptions=True)
            kinds = [int if found == 1 else type(found) for found in done]
            assert kinds == [int, int, sqlite3.IntegrityError, sqlite3.IntegrityError, int]
            assert await names(database) == ["a", "b", "d"]
            other.close()

    asyncio.run(test())


def test_a_step_that_finds_nothing_takes_back_those_before_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path / "x.db") as database:
            returning = Statement(THINGS.insert().returning(THINGS.c.id))
            first = Step(returning, step("first").values)
            missing = Step(NAMED, {"name": "missing"})
            assert await database.execute(first, missing, step("last")) == 1
            assert await names(database) == []
            found = Step(NAMED, {"name": "first"})
            assert await database.execute(first, found, step("last")) == 3
            assert await names(database) == ["first", "last"]

    asyncio.run(test())


def test_a_write_whose_caller_left_is_not_begun(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path / "x.db") as database:
            other = another_writer(tmp_path / "x.db")
            leaving = asyncio.create_task(database.execute(step("leaves")))
            staying = asyncio.create_task(database.execute(step("stays")))
            await names(database)
            leaving.cancel()
            await asyncio.wait([leaving])
            other.execute("ROLLBACK")
            await staying
            assert await names(database) == ["stays"]
            other.close()

    asyncio.run(test())


def test_a_writer_that_does_not_end_is_waited_for_until_the_time_is_up(tmp_path: Path) -> None:
    async def test() -> None:
        async with opened(tmp_path / "x.db", timeout_s=0.2) as database:
            other = another_writer(tmp_path / "x.db")
            with pytest.raises(ServiceError, match="busy or gone"):
                await database.execute(step("late"))
            other.execute("ROLLBACK")
            other.close()
            assert await database.execute(step("after")) == 1
            assert await names(database) == ["after"]

    asyncio.run(test())


def test_the_files_connections_are_durable(tmp_path: Path) -> None:
    asked = text(
        "SELECT * FROM pragma_synchronous, pragma_journal_mode, pragma_foreign_keys"
    ).columns(*map(column, ("synchronous", "journal_mode", "foreign_keys")))

    async def test() -> None:
        async with opened(tmp_path / "x.db") as database:
            (row,) = await database.fetch(Statement(asked))
            assert tuple(row) == (2, "wal", 1)

    asyncio.run(test())


def test_columns_stand_once() -> None:
    """A statement has those of its table, with their types."""
    table = Table("t", MetaData(), Column("one", Text), Column("two", THINGS.c.created_at.type))
    made = Statement(table.insert()).on("sqlite")
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    assert made.arguments({"one": "x", "two": moment}) == ["x", "2026-01-02 03:04:05.000006"]
    (row,) = Statement(select(table)).on("sqlite").rows([("x", "2026-01-02 03:04:05.000006")])
    assert (row.one, row.two) == ("x", moment)
    made = Statement(table.insert()).on("postgresql")
    assert made.arguments({"one": "x", "two": moment}) == ["x", moment]
