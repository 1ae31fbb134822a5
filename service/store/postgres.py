"""PostgreSQL by asyncpg itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from service.database_url import PostgresServers
from service.store.statements import Made, Row

_LEAVE_S = 0.1


class _Connection(asyncpg.Connection):
    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's
        """Takes leave of a server that answers; of another one the caller should not wait for,
        least of all a request whose time is up already."""
        await super().close(timeout=min(timeout or _LEAVE_S, _LEAVE_S))


async def connect(url: PostgresServers, timeout_s: float) -> asyncpg.Connection:
    """The one way to PostgreSQL, of SQLAlchemy's pool, too."""
    return await asyncpg.connect(**url.arguments(timeout_s), connection_class=_Connection)


class Postgres:
    """Up to `size` connections, opened when they are first needed and used last in, first out.

    asyncpg's own pool would send a reset after each use; a statement that commits by itself leaves
    nothing to reset, and nor does a transaction that ended. asyncpg keeps what it prepared.
    """

    def __init__(self, url: PostgresServers, size: int, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._free = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []

    async def fetch(self, statement: Made, values: dict[str, Any]) -> list[Row]:
        async with self._connection() as connection:
            return statement.rows(
                await connection.fetch(statement.sql, *statement.arguments(values))
            )

    async def execute(self, steps: list[tuple[Made, dict[str, Any]]]) -> int:
        if len(steps) == 1:
            await self.fetch(*steps[0])
            return 1
        async with self._connection() as connection:
            await connection.execute("BEGIN")
            for place, (statement, values) in enumerate(steps, 1):
                found = await connection.fetch(statement.sql, *statement.arguments(values))
                if not found and place < len(steps):
                    await connection.execute("ROLLBACK")
                    return place - 1
            await connection.execute("COMMIT")
            return len(steps)

    def failed(self) -> None:
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._free:
            connection = self._idle.pop() if self._idle else None
            if connection is None or connection.is_closed():  # by a server that was restarted
                connection = await connect(self._url, self._timeout_s)
            try:
                yield connection
            except BaseException:  # also where the request was cancelled: half an answer is in it
                connection.terminate()
                raise
            self._idle.append(connection)
