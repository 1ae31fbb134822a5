"""What happens once, before servers and their workers start."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import ExitStack
from pkgutil import resolve_name
from typing import Any

from pydantic import ValidationError

from service.bench import tables as bench
from service.database_url import SqliteFile
from service.domain import Domain
from service.errors import ServiceError
from service.http.probes import address_of_probes, listening
from service.http.problems import from_validation
from service.offload.spec import configured, find, substitute
from service.settings import Settings
from service.store import faults, migrate, tables
from service.store.database import Database, has_wal_reset_bug
from service.store.schema import Schema

log = logging.getLogger("hotpath")


def settings_from(domain: Domain, **overrides: Any) -> Settings:
    """The domain's settings, from the environment; overrides that are None do not count.

    Raises: ServiceError invalid_argument.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return domain.settings(**given)
    except ValidationError as error:
        errors: list[Any] = [
            {**found, "input": "a value that is not shown"}
            if found["loc"] and domain.settings.is_secret(str(found["loc"][0]))
            else found
            for found in error.errors()
        ]
        # Not chained: what came stands in the other error.
        raise ServiceError(
            "invalid_argument", f"settings: {from_validation(errors).message}"
        ) from None


def check(settings: Settings, domain: Domain) -> None:
    """Says at start what would fail later. Raises: ServiceError."""
    for variant in (configured(domain.engines, settings), substitute(domain.engines, settings)):
        if variant:
            find(domain.engines, variant.engine).load()
    domain.hold(settings)
    if address := address_of_probes(settings):
        listening(address).close()


def schemas(settings: Settings, domain: Domain) -> list[Schema]:
    """Those that the database must have, in the order to migrate them."""
    wanted = [tables.SCHEMA]
    if domain.schema:
        wanted.append(domain.schema)
    if settings.bench_routes:
        wanted.append(bench.SCHEMA)
    return wanted


def check_schema(settings: Settings, domain: Domain) -> None:
    """Raises: ServiceError database_outdated, database_unavailable."""
    if migrate.is_outdated(settings, schemas(settings, domain)):
        raise ServiceError(
            "database_outdated", "database: a migration is missing; run: hotpath db upgrade"
        )


def prepare_database(settings: Settings, domain: Domain) -> None:
    """Brings an embedded database up to date; looks whether another one is. Fills the bench's.

    Raises: ServiceError database_outdated, database_unavailable.
    """
    wanted = schemas(settings, domain)
    if isinstance(settings.database, SqliteFile):
        if has_wal_reset_bug():
            log.warning(
                "SQLite %s can corrupt a database that two connections write (the WAL-reset bug): "
                "use 3.51.3, 3.50.7 or 3.44.6, or PostgreSQL",
                sqlite3.sqlite_version,
            )
        migrate.upgrade(settings, wanted)
    else:
        try:
            check_schema(settings, domain)
            if migrate.is_read_only(settings):
                log.warning("the database is read-only: requests that write will be refused")
        except ServiceError as error:
            # What else may be wrong with it does not pass by itself.
            if error.message != faults.BUSY or settings.bench_routes:
                raise
            log.warning("the database does not answer; serving without it until it does")
    if settings.bench_routes:
        asyncio.run(_fill_bench(settings))


async def _fill_bench(settings: Settings) -> None:
    async with Database(settings, migrate.PATIENCE_S) as database:
        await bench.fill(database)


def start_sidecar(settings: Settings, domain: Domain, stack: ExitStack) -> dict[str, str]:
    """Starts the sidecar where a request could need it and none runs, to end with the stack.
    Waits for the one that the settings name.

    Returns: the variables by which the workers find it, one for all of them.
    Raises: ServiceError engine_down.
    """
    serving = configured(domain.engines, settings).engine
    for spec in domain.engines:
        is_wanted = spec.name == serving or (
            settings.allow_engine_override and spec.status().available
        )
        if not (spec.sidecar and is_wanted):
            continue
        if not settings.sidecar_address:
            sidecar = resolve_name("service.offload.remote.sidecar:start")(
                spec, settings.kernel_threads
            )
            stack.callback(sidecar.stop)
            return {"HOTPATH_SIDECAR_ADDRESS": sidecar.address}
        if spec.name == serving:
            resolve_name("service.offload.remote.channel:require")(settings.sidecar_address)
    return {}
