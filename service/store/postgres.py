"""PostgreSQL by asyncpg itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from service.database_url import PostgresServers
from service.store.statements import Made, Row

RECYCLE_S = 1800
"""Shorter than the idle limits of common proxies."""

_LEAVE_S = 0.1

_Found = TypeVar("_Found")


class _Connection(asyncpg.Connection):
    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's
        """Takes leave of a server that answers; of another one the caller should not wait for,
        least of all a request whose time is up already."""
        await super().close(timeout=min(timeout or _LEAVE_S, _LEAVE_S))


async def connect(url: PostgresServers, timeout_s: float) -> asyncpg.Connection:
    """The one way to PostgreSQL, of SQLAlchemy's pool, too."""
    return await asyncpg.connect(**url.arguments(timeout_s), connection_class=_Connection)


async def _leave(connection: asyncpg.Connection) -> None:
    """Closed and not cut off: asyncpg tells the server to give up what is under way. Otherwise it
    would wait for its lock, and the write be there after all; meanwhile it would hold a place among
    the server's connections that nobody here counts."""
    with suppress(Exception):  # the connection is gone then, and the caller has an error already
        await connection.close()


class Postgres:
    """Up to `size` connections, opened when they are first needed and used last in, first out.

    asyncpg's own pool would send a reset after each use; a statement that commits by itself leaves
    nothing to reset, and nor does a transaction that ended. asyncpg keeps what it prepared.
    """

    def __init__(
        self, url: PostgresServers, size: int, timeout_s: float, recycle_s: float = RECYCLE_S
    ) -> None:
        self._url, self._timeout_s, self._recycle_s = url, timeout_s, recycle_s
        self._free = asyncio.Semaphore(size)
        self._idle: list[tuple[asyncpg.Connection, float]] = []  # with the time of its last use

    async def fetch(self, statement: Made, values: dict[str, Any]) -> list[Row]:
        sql, arguments = statement.sql, statement.arguments(values)
        return statement.rows(await self._on_one(lambda one: one.fetch(sql, *arguments)))

    async def execute(self, steps: list[tuple[Made, dict[str, Any]]]) -> int:
        if len(steps) == 1:
            await self.fetch(*steps[0])
            return 1
        ready = [(statement.sql, statement.arguments(values)) for statement, values in steps]

        async def transaction(connection: asyncpg.Connection) -> int:
            await connection.execute("BEGIN")
            for place, (sql, arguments) in enumerate(ready, 1):
                found = await connection.fetch(sql, *arguments)
                if not found and place < len(ready):
                    await connection.execute("ROLLBACK")
                    return place - 1
            await connection.execute("COMMIT")
            return len(ready)

        return await self._on_one(transaction)

    def failed(self) -> None:
        while self._idle:
            connection, _ = self._idle.pop()
            connection.terminate()

    async def close(self) -> None:
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()

    async def _on_one(self, use: Callable[[asyncpg.Connection], Awaitable[_Found]]) -> _Found:
        async with self._free:
            connection = await self._connection()
            try:
                found = await use(connection)
            except BaseException:  # also where the request was cancelled: half an answer is in it
                await asyncio.shield(_leave(connection))  # the caller may be cancelled once more
                raise
            self._idle.append((connection, time.monotonic()))
            return found

    async def _connection(self) -> asyncpg.Connection:
        while self._idle:
            connection, used_at = self._idle.pop()
            if connection.is_closed():  # by a server that was restarted
                continue
            if time.monotonic() - used_at <= self._recycle_s:
                return connection
            connection.terminate()  # there may be nobody left at its other end to take leave of
        return await connect(self._url, self._timeout_s)
