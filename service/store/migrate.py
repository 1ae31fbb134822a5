"""Applies the migrations in service/migrations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from service.settings import Settings
from service.store.database import Database

PATIENCE_S = 600.0  # a migration may take longer than a request

Result = TypeVar("Result")


def upgrade(settings: Settings) -> None:
    """Brings the schema up to date, in one transaction. One newer than this code is left alone.

    Raises: ServiceError database_unavailable.
    """

    def apply(connection: Connection) -> None:
        if _lacks_migrations(connection):
            command.upgrade(_config(connection), "head")

    _with_connection(settings, apply, PATIENCE_S)


def is_outdated(settings: Settings) -> bool:
    """Whether a migration of ours is missing. A schema newer than this code is fine.

    Raises: ServiceError database_unavailable.
    """
    return _with_connection(settings, _lacks_migrations)


def _lacks_migrations(connection: Connection) -> bool:
    revision = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config(connection))
    if revision is None:
        return True
    try:
        return revision != scripts.get_current_head() and bool(scripts.get_revision(revision))
    except CommandError:  # a revision that this code does not know yet
        return False


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _with_connection(
    settings: Settings, function: Callable[[Connection], Result], timeout_s: float | None = None
) -> Result:
    async def run() -> Result:
        async with (
            Database(settings, timeout_s) as database,
            database.write() as connection,
        ):
            return await connection.run_sync(function)

    return asyncio.run(run())
