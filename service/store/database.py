"""The database: connections, transactions, and what happens when it is not there."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg
from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.errors import ServiceError
from service.settings import Settings

log = logging.getLogger("hotpath.store")

_LEAVE_S = 0.1
_RECYCLE_S = 1800  # shorter than the idle limits of common proxies
# SQLSTATE classes: connection exceptions, no resources, operator intervention (a shutdown, too).
_GONE = ("08", "53", "57")


class Database:
    """A pool of connections to SQLite or PostgreSQL, opened when they are first needed.

    So the service starts while its database is away, says that it is not ready, and recovers
    by itself.

    timeout_s: for what is done with a connection; the settings' by default, which always holds
        for connecting.
    """

    def __init__(self, settings: Settings, timeout_s: float | None = None) -> None:
        self._timeout_s = timeout_s or settings.database_timeout_s
        self._engine = create_engine(settings)
        self.dialect = self._engine.dialect.name
        # On SQLite each statement outside of a transaction commits by itself anyway.
        alone = {} if self.dialect == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self._engine.execution_options(**alone)
        self._writing = self._engine.execution_options(is_write=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """For single statements, each its own transaction.

        Raises: ServiceError database_unavailable, also out of the caller's block.
        """
        async with self._available(), self._reading.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed where the block ends, rolled back where it raises.

        Raises: ServiceError database_unavailable, also out of the caller's block. Whether a
            transaction that ran out of time while it committed is there, only a look tells.
        """
        async with self._available(), self._writing.begin() as connection:
            yield connection

    async def healthy(self) -> bool:
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except ServiceError:
            return False
        return True

    @asynccontextmanager
    async def _available(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except (TimeoutError, PoolTimeout, OSError, asyncpg.PostgresError, DBAPIError) as error:
            if not is_unavailable(error):
                raise
            raise unavailable(error) from error


def unavailable(error: BaseException) -> ServiceError:
    """What the caller is told; the log says why."""
    log.warning("database unavailable: %s: %s", type(error).__name__, error)
    return ServiceError("database_unavailable", "the database is busy or gone; retry later")


def is_unavailable(error: BaseException) -> bool:
    """Whether the database is at fault, not the statement."""
    if not isinstance(error, DBAPIError):
        return True  # nothing else than connecting raises the driver's own errors
    cause = error.orig.__cause__ if error.orig and error.orig.__cause__ else error.orig
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in (
            sqlite3.SQLITE_ERROR,  # such as a missing table
            sqlite3.SQLITE_CONSTRAINT,
            sqlite3.SQLITE_MISMATCH,
        )
    state = getattr(cause, "sqlstate", None)
    return (
        error.connection_invalidated
        or (state is None and isinstance(error, InterfaceError | OperationalError))
        or is_gone(state)
    )


def is_gone(sqlstate: str | None) -> bool:
    """Whether PostgreSQL's error says that the database is at fault, not the statement."""
    return (sqlstate or "").startswith(_GONE)


def async_url(url: str) -> URL:
    parsed = make_url(url)
    driver = "sqlite+aiosqlite" if parsed.drivername == "sqlite" else "postgresql+asyncpg"
    return parsed.set(drivername=driver)


class _Connection(asyncpg.Connection):
    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's
        """Takes leave of a server that answers; of another one the caller should not wait for,
        least of all a request whose time is up already."""
        await super().close(timeout=min(timeout or _LEAVE_S, _LEAVE_S))


def create_engine(settings: Settings) -> AsyncEngine:
    url = async_url(settings.database_url)
    options: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        options = {
            "pool_recycle": _RECYCLE_S,
            "connect_args": {
                "timeout": settings.database_timeout_s,
                "connection_class": _Connection,
            },
        }
    engine = create_async_engine(
        url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_timeout_s,
        hide_parameters=True,  # errors are logged, and what is stored is nobody's business
        **options,
    )
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, settings.database_timeout_s)
    return engine


def _prepare_sqlite(engine: AsyncEngine, timeout_s: float) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # Python's driver would otherwise begin transactions by itself, and too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={1000 * timeout_s:.0f}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose commits when power fails
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

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
