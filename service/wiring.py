"""The only file that names both platform and sample: the engines, the routes, what is held."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from service.bench import tables as bench_tables
from service.domain import (
    matches,
    payments,
    rates,
    screenings,
    seals,
    synthetic,
    validations,
    watchlist,
)
from service.engines.engine import Engine
from service.engines.spec import EngineSpec, Variant, find
from service.errors import ServiceError
from service.http import engines, health
from service.settings import Settings
from service.store import migrate
from service.store.database import Database, has_wal_reset_bug
from service.store.tables import METADATA as METADATA  # with every table imported above

log = logging.getLogger("hotpath")

ENGINES = (
    EngineSpec(
        "reference",
        "service.domain.kernels_reference",
        ("inline", "thread", "process"),
        "hotpath",
        "pure Python, as the definition reads",
    ),
    EngineSpec(
        "python",
        "service.domain.kernels_python",
        ("inline", "thread", "process"),
        "hotpath",
        "pure Python, with the better method",
    ),
    EngineSpec(
        "numpy",
        "service.domain.kernels_numpy",
        ("thread", "inline", "process"),
        "hotpath",
        "operations on whole arrays",
    ),
    EngineSpec(
        "cython",
        "hotpath_cython",
        ("thread", "inline", "process"),
        "hotpath-cython",
        "typed loops in Python's syntax, without the GIL",
    ),
    EngineSpec(
        "rust",
        "hotpath_rust",
        ("thread", "inline", "process"),
        "hotpath-rust",
        "a PyO3 extension, without the GIL",
    ),
    EngineSpec(
        "go",
        "service.domain.kernels_go",
        ("rpc",),
        "hotpath-go",
        "a sidecar process, over gRPC",
        sidecar="hotpath_go:sidecar_path",
    ),
)

# FastAPI tries one after the other, and each that is passed costs some microseconds: the hottest
# first.
ROUTERS: tuple[APIRouter, ...] = (
    matches.router,
    validations.router,
    seals.router,
    payments.router,
    rates.router,
    screenings.router,
    engines.router,
    health.router,
)


def held(settings: Settings) -> dict[str, Any]:
    """What engines keep between calls. Raises: ServiceError watchlist_invalid."""
    return {matches.WATCHLIST: watchlist.load(settings.watchlist)}


def watchlist_directory(settings: Settings) -> Path:
    """The list as files, for programs that are not ours to hand it to: the synthetic one is
    written to the user's cache."""
    if settings.watchlist:
        return settings.watchlist
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "hotpath" / f"synthetic-{synthetic.NAMES}-{synthetic.SEED}"
    synthetic.write_synthetic(directory)
    return directory


async def rehearse(engine: Engine) -> None:
    await engine.run(matches.MATCH, ["rehearsal"], 0.9, 1)
    await engine.run(validations.VALIDATE, [])
    await engine.run(seals.SEAL, [b"rehearsal"], [0])


def check(settings: Settings) -> None:
    """Says at start what would fail later. Raises: ServiceError."""
    spec = find(ENGINES, settings.engine)
    Variant.of(spec, settings.offload)
    spec.load()
    held(settings)


def prepare_database(settings: Settings) -> None:
    """Brings an embedded database up to date; looks whether another one is. Fills the bench's.

    Raises: ServiceError database_outdated, database_unavailable.
    """
    if settings.database_url.startswith("sqlite:"):
        if has_wal_reset_bug():
            log.warning(
                "SQLite %s can corrupt a database that two connections write (the WAL-reset bug): "
                "use 3.51.3, 3.50.7 or 3.44.6, or PostgreSQL",
                sqlite3.sqlite_version,
            )
        migrate.upgrade(settings)
    else:
        try:
            if migrate.is_outdated(settings):
                raise ServiceError(
                    "database_outdated", "database: a migration is missing; run: hotpath db upgrade"
                )
        except ServiceError as error:
            if error.code != "database_unavailable" or settings.bench_routes:
                raise
            log.warning("the database does not answer; serving without it until it does")
    if settings.bench_routes:
        asyncio.run(_fill_bench(settings))


async def _fill_bench(settings: Settings) -> None:
    async with Database(settings) as database:
        await bench_tables.fill(database)


def start_sidecar(settings: Settings, stack: ExitStack) -> str | None:
    """Starts the sidecar where a request could need it and none runs; returns its address."""
    if settings.sidecar_address:
        return settings.sidecar_address
    for spec in ENGINES:
        is_wanted = spec.name == settings.engine or (
            settings.allow_engine_override and spec.status().available
        )
        if spec.sidecar and is_wanted:
            sidecar = spec.start_sidecar(settings.kernel_threads)
            stack.callback(sidecar.stop)
            return sidecar.address
    return None
