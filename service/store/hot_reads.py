"""Single-statement reads on the driver itself, for the few routes where that is worth it.

What SQLAlchemy does around one small read costs several times the read: docs/ladder.md has the
figures. Given up: expressions, types of columns, one pool for everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Self

import asyncpg

from service.database_url import PostgresServers
from service.deadlines import Timeouts
from service.settings import Settings
from service.store import faults
from service.store.database import Database, connect

Row = tuple[Any, ...]


class HotReads:
    """Reads with the SQL given as text, parameters written $1, $2 and so on.

    On PostgreSQL it has up to database_pool_size connections of its own, opened when they are
    first needed and used last in, first out. asyncpg's own pool would send a reset after each
    read; a read that commits by itself leaves nothing to reset. On SQLite it goes through
    `database`.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._timeout_s = settings.database_timeout_s
        self._timeouts = Timeouts(self._timeout_s)
        self._free = asyncio.Semaphore(settings.database_pool_size)
        self._idle: list[asyncpg.Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._drop_idle()

    async def rows(self, query: str, *values: object) -> Sequence[Row]:
        """Raises: ServiceError database_unavailable."""
        if self._database.dialect == "sqlite":
            async with self._database.read() as connection:
                named = {str(number): value for number, value in enumerate(values, 1)}
                return (await connection.exec_driver_sql(query, named)).tuples().all()
        try:
            with self._timeouts.limit():
                async with self._free:
                    return await self._rows(query, values)
        except faults.FAULTS as error:
            if known := self._database.unavailable(error):
                self._drop_idle()  # they were connected to what is gone
                raise known from error
            raise

    async def _rows(self, query: str, values: tuple[object, ...]) -> Sequence[Row]:
        connection = self._idle.pop() if self._idle else await self._connect()
        if connection.is_closed():  # by a server that was restarted
            connection = await self._connect()
        try:
            found = await connection.fetch(query, *values)
        except BaseException:  # also where the request was cancelled: half an answer is in there
            connection.terminate()
            raise
        self._idle.append(connection)
        return [tuple(record) for record in found]

    async def _connect(self) -> asyncpg.Connection:
        url = self._database.url
        assert isinstance(url, PostgresServers)
        return await connect(url, self._timeout_s)

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()
