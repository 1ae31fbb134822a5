"""What a database has of the schemas that the code declares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, MetaData, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from service.store import migrate
from service.store.schema import Schema, new_metadata
from tests.databases import Database, Postgres


def on(database: Database, function: Callable[[Connection], Any]) -> Any:
    async def run() -> Any:
        if isinstance(database, Postgres):
            engine = create_async_engine(
                "postgresql+asyncpg://",
                async_creator=lambda: asyncpg.connect(database.url),
            )
        else:
            engine = create_async_engine(
                URL.create("sqlite+aiosqlite", database=str(database.path))
            )
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(function)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def tables(database: Database) -> set[str]:
    return on(database, lambda connection: set(inspect(connection).get_table_names()))


def differences(database: Database, schemas: Sequence[Schema]) -> list[Any]:
    """Of all that share the database: what is in the code and not there, or otherwise, or too
    much, but for the tables of their versions."""
    declared: MetaData = new_metadata()
    for schema in schemas:
        for table in schema.metadata.tables.values():
            table.to_metadata(declared)
    versions = {schema.version_table for schema in schemas}
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "table" or name not in versions,
    }
    return on(
        database,
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts=options), declared
        ),
    )


def migrated(database: Database, schema: Schema, revision: str) -> None:
    def run(connection: Connection) -> None:
        direction = command.downgrade if revision == "base" else command.upgrade
        direction(migrate.config(connection, schema), revision)

    on(database, run)
