"""A database beside the server under test: what is really in it, and a writer in the way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg


class Sqlite:
    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{quote(str(path))}"
        self.path = path

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """query: with a question mark for each value."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query, values).fetchall()

    def run(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(statement)

    @contextmanager
    def writers_waiting(self, table: str) -> Iterator[None]:  # noqa: ARG002  # it locks them all
        """Reads go on; who writes to the table waits for this block's end."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


class Postgres:
    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """query: with a question mark for each value."""
        for number in range(1, len(values) + 1):
            query = query.replace("?", f"${number}", 1)

        async def fetch() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.url)
            try:
                return [tuple(row) for row in await connection.fetch(query, *values)]
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def run(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())

    @contextmanager
    def writers_waiting(self, table: str) -> Iterator[None]:
        """Reads go on; who writes to the table waits for this block's end."""
        with asyncio.Runner() as runner:
            connection = runner.run(_connected(self.url))
            try:
                runner.run(connection.execute(f"BEGIN; LOCK TABLE {table} IN SHARE MODE"))
                yield
            finally:
                runner.run(connection.close())


async def _connected(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url)


Database = Sqlite | Postgres
