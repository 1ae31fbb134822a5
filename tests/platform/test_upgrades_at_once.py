"""What makes a database ready, by several processes at one time."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.synchronize import Barrier

from service.bench import tables as bench
from service.settings import Settings
from service.startup import prepare_database, schemas
from service.store import migrate
from service.store.database import Database as Pool
from tests.databases import Database, Sqlite
from tests.platform.toy import DOMAIN
from tests.postgres import new_database
from tests.schemas import differences, tables

PROCESSES = 6
TIMES = 8
VERSIONS = {"schema_version_platform", "schema_version_toy", "schema_version_bench"}


def make_ready(barrier: Barrier, urls: list[str]) -> None:
    """Ends with 0 where nothing was in the way."""
    for url in urls:
        settings = Settings(database_url=url, bench_routes=True)
        barrier.wait(120)
        migrate.upgrade(settings, schemas(settings, DOMAIN))
        prepare_database(settings, DOMAIN)  # fills the bench's tables


def test_all_get_through_and_the_tables_are_there_once(request, tmp_path) -> None:
    cluster = request.getfixturevalue("postgres")
    databases: list[Database] = [Sqlite(tmp_path / f"{n}.db") for n in range(TIMES)]
    databases += [new_database(cluster) for _ in range(TIMES)]
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(PROCESSES)
    urls = [database.url for database in databases]
    processes = [
        spawning.Process(target=make_ready, args=(barrier, urls)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    for database in databases:
        wanted = schemas(Settings(database_url=database.url, bench_routes=True), DOMAIN)
        assert tables(database) == VERSIONS | {"things", "idempotency_keys", "world", "fortune"}
        assert differences(database, wanted) == []
        assert database.rows("SELECT count(*) FROM world") == [(bench.WORLDS,)]


def test_an_upgrade_waits_for_one_that_takes_longer_than_a_request_may(
    empty: Database, settings: Settings
) -> None:
    hasty = settings.model_copy(update={"database_timeout_s": 0.2})

    async def run() -> None:
        async with Pool(hasty, timeout_s=60) as pool:
            async with pool.write(alone=True):
                upgrade = asyncio.create_task(
                    asyncio.to_thread(migrate.upgrade, hasty, schemas(hasty, DOMAIN))
                )
                await asyncio.sleep(1)
                assert not upgrade.done()
            await upgrade

    asyncio.run(run())
    assert tables(empty) == VERSIONS - {"schema_version_bench"} | {"things", "idempotency_keys"}
