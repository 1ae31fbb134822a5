"""Applies the migrations of schemas; each has a history of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from service.settings import Settings
from service.store.database import Database
from service.store.schema import Schema

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE_S = 600.0  # a migration may take longer than a request

Result = TypeVar("Result")


def upgrade(settings: Settings, schemas: Sequence[Schema]) -> None:
    """Brings the schemas up to date, in one transaction. One newer than this code is left alone.

    Of several at once the others wait for the first, and then find nothing left to do.

    Raises: ServiceError database_unavailable.
    """

    def apply(connection: Connection) -> None:
        for schema in schemas:
            if _lacks_migrations(connection, schema):
                command.upgrade(config(connection, schema), "head")

    _with_connection(settings, apply, PATIENCE_S, alone=True)


def is_outdated(settings: Settings, schemas: Sequence[Schema]) -> bool:
    """Whether a migration of ours is missing. A schema newer than this code is fine.

    Raises: ServiceError database_unavailable.
    """

    def look(connection: Connection) -> bool:
        return any(_lacks_migrations(connection, schema) for schema in schemas)

    return _with_connection(settings, look)


def is_read_only(settings: Settings) -> bool:
    """Of PostgreSQL: a standby, or set so. Raises: ServiceError database_unavailable."""

    def look(connection: Connection) -> bool:
        return bool(connection.scalar(text("SHOW transaction_read_only")) == "on")

    return _with_connection(settings, look)


def has_first_history(connection: Connection, revision: str = "0001") -> bool:
    """Whether the database has the tables of that revision from the time when all schemas had
    one history, with a table of its own for its place."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.scalar(text("SELECT max(version_num) FROM alembic_version"))
    return found is not None and str(found) >= revision


def config(connection: Connection, schema: Schema) -> Config:
    """What Alembic's commands take for one schema."""
    made = Config()
    made.set_main_option("script_location", _literal(MIGRATIONS))
    made.set_main_option("version_locations", _literal(schema.versions))
    made.set_main_option("path_separator", "newline")  # a path may have any other character
    made.attributes |= {"connection": connection, "schema": schema}
    return made


def _lacks_migrations(connection: Connection, schema: Schema) -> bool:
    options = {"version_table": schema.version_table}
    revision = MigrationContext.configure(connection, opts=options).get_current_revision()
    scripts = ScriptDirectory.from_config(config(connection, schema))
    if revision is None:
        return True
    try:
        return revision != scripts.get_current_head() and bool(scripts.get_revision(revision))
    except CommandError:  # a revision that this code does not know yet
        return False


def _literal(path: Path) -> str:
    return str(path).replace("%", "%%")  # Alembic's file format interpolates


def _with_connection(
    settings: Settings,
    function: Callable[[Connection], Result],
    timeout_s: float | None = None,
    alone: bool = False,
) -> Result:
    async def run() -> Result:
        async with (
            Database(settings, timeout_s) as database,
            database.write(alone) as connection,
        ):
            return await connection.run_sync(function)

    return asyncio.run(run())
