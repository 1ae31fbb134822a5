"""The database: connections, transactions, and what happens when it is not there."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, event, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.database_url import DatabaseUrl, SqliteFile
from service.deadlines import Timeouts
from service.errors import ServiceError
from service.settings import Settings
from service.store import faults, postgres, sqlite
from service.store.statements import Driver, Row, Statement, Step

log = logging.getLogger("hotpath.store")

_Found = TypeVar("_Found")

_ALIVE = Statement(select(literal("1").label("alive")))
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('hotpath alone', 0))"


class Database:
    """Connections to SQLite or PostgreSQL, opened when they are first needed.

    So the service starts while its database is away, says that it is not ready, and recovers
    by itself.

    `fetch` and `execute` are for what requests do: statements that are ready for the driver.
    `read` and `write` give connections of SQLAlchemy, for what is asked for rarely.

    timeout_s: for what is done with a connection; the settings' by default, which always holds
        for connecting.
    """

    def __init__(self, settings: Settings, timeout_s: float | None = None) -> None:
        self._timeout_s = timeout_s or settings.database_timeout_s
        self.url = settings.database
        self._engine = create_engine(self.url, settings, self._timeout_s)
        self.dialect = self.url.dialect
        self._driver: Driver = (
            sqlite.Sqlite(self.url.path, self._timeout_s)
            if isinstance(self.url, SqliteFile)
            else postgres.Postgres(self.url, settings.database_pool_size, self._timeout_s)
        )
        self._timeouts = Timeouts(self._timeout_s)
        # On SQLite each statement outside of a transaction commits by itself anyway.
        alone = {} if self.dialect == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self._engine.execution_options(**alone)
        self._writing = self._engine.execution_options(is_write=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._driver.close()
        await self._engine.dispose()

    async def fetch(self, statement: Statement, **values: Any) -> list[Row]:
        """Rows of a statement that commits by itself. Raises: ServiceError database_unavailable."""
        return await self._guarded(self._driver.fetch(statement.on(self.dialect), values))

    async def execute(self, *steps: Step) -> int:
        """One transaction: all steps, up to the first that finds nothing, which takes back those
        before it; of the last one it does not matter what it finds.

        Returns: how many steps were done.
        Raises: ServiceError database_unavailable. Whether a transaction that ran out of time while
            it committed is there, only a look tells.
        """
        made = [(step.statement.on(self.dialect), step.values) for step in steps]
        return await self._guarded(self._driver.execute(made))

    async def _guarded(self, work: Awaitable[_Found]) -> _Found:
        try:
            with self._timeouts.limit():
                return await work
        except faults.FAULTS as error:
            if known := self.unavailable(error):
                self._driver.failed()
                raise known from error
            raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """For single statements, each its own transaction.

        Raises: ServiceError database_unavailable, also out of the caller's block.
        """
        async with self._available(), self._reading.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed where the block ends, rolled back where it raises.

        alone: it waits for the others of this kind; for what makes the database ready. On SQLite
            every writer is alone.

        Raises: ServiceError database_unavailable, also out of the caller's block. Whether a
            transaction that ran out of time while it committed is there, only a look tells.
        """
        async with self._available(), self._writing.begin() as connection:
            if alone and self.dialect == "postgresql":
                await connection.execute(text(_ALONE))
            yield connection

    async def healthy(self) -> bool:
        try:
            await self.fetch(_ALIVE)
        except ServiceError:
            return False
        return True

    @asynccontextmanager
    async def _available(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except faults.FAULTS as error:
            if known := self.unavailable(error):
                raise known from error
            raise

    def unavailable(self, error: BaseException) -> ServiceError | None:
        """What the caller is told, while the log says why; None where the statement is at fault,
        not the database."""
        words = faults.fault(error)
        if words is None:
            return None
        log.warning("database unavailable: %s", faults.explained(error, self.url))
        return ServiceError("database_unavailable", words)


def create_engine(url: DatabaseUrl, settings: Settings, patience_s: float) -> AsyncEngine:
    """patience_s: with another one who writes to SQLite."""
    timeout_s = settings.database_timeout_s
    pool: dict[str, Any] = {
        "pool_size": settings.database_pool_size,
        "max_overflow": 0,
        "pool_timeout": timeout_s,
        "hide_parameters": True,  # errors are logged, and what is stored is nobody's business
    }
    if isinstance(url, SqliteFile):
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=url.path),
            connect_args=sqlite.arguments(patience_s),
            **pool,
        )
        _begin_at_once(engine)
        return engine
    return create_async_engine(
        "postgresql+asyncpg://",
        pool_recycle=postgres.RECYCLE_S,
        connect_args={"async_creator_fn": partial(postgres.connect, url, timeout_s)},
        **pool,
    )


def _begin_at_once(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes later cannot wait for another writer.
        if connection.get_execution_options().get("is_write"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def has_wal_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """SQLite 3.7.0 to 3.51.2 can corrupt a WAL database that two connections write.

    Source: sqlite.org/wal.html, "the WAL-reset bug"; fixed in 3.51.3, and in 3.50.7 and 3.44.6.
    """
    fixed_branches = {(3, 50): 7, (3, 44): 6}
    if version[:2] in fixed_branches:
        return version[2] < fixed_branches[version[:2]]
    return (3, 7, 0) <= version < (3, 51, 3)
