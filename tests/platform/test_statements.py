from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import column, text

from service.database_url import PostgresServers
from service.errors import ServiceError
from service.settings import Settings
from service.startup import schemas
from service.store import migrate
from service.store.database import Database
from service.store.postgres import Postgres
from service.store.statements import Statement, Step
from tests.platform.running import serving
from tests.platform.toy import DOMAIN
from tests.platform.toy.tables import THINGS
from tests.postgres import Own, new_database, own_cluster
from tests.servers import Server, wait_until


@pytest.fixture(scope="module")
def cluster() -> Iterator[Own]:
    with own_cluster() as found:
        yield found


@pytest.fixture(scope="module")
def server(cluster: Own, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log"
    settings = Settings(database_url=new_database(cluster).url, bench_routes=True)
    migrate.upgrade(settings, schemas(settings, DOMAIN))
    with serving(
        log,
        engine="plain",
        bench_routes="true",
        bench_rung="compiled",
        database_url=settings.database_url.get_secret_value(),
        database_pool_size="4",
        database_timeout_s="3",
    ) as found:
        yield found


def asked(sql: str) -> Statement:
    return Statement(text(f"SELECT {sql}").columns(column("found")))


def statuses(server: Server, count: int) -> list[int]:
    """Of as many requests at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: server.client.get("/bench/db").status_code, range(count)))


def test_more_readers_than_connections_are_all_answered(server: Server) -> None:
    assert statuses(server, 24) == [200] * 24


def test_after_a_restart_of_the_database_every_read_works(server: Server, cluster: Own) -> None:
    assert statuses(server, 8) == [200] * 8
    cluster.stop()
    response = server.client.get("/bench/db")
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert response.headers["Retry-After"] == "1"
    cluster.start()
    wait_until(lambda: statuses(server, 1) == [200], "the database")
    assert statuses(server, 8) == [200] * 8


def test_a_database_that_hangs_is_given_up_in_time(server: Server, cluster: Own) -> None:
    assert statuses(server, 8) == [200] * 8
    with cluster.frozen():
        # Those that wait for a connection are given up as well: the pool has four.
        assert statuses(server, 12) == [503] * 12
    wait_until(lambda: statuses(server, 1) == [200], "the database")
    assert statuses(server, 8) == [200] * 8


def test_what_is_wrong_with_a_statement_is_not_the_databases_fault(cluster: Own) -> None:
    settings = Settings(database_url=new_database(cluster).url)

    async def read() -> None:
        async with Database(settings) as database:
            with pytest.raises(asyncpg.UndefinedTableError):
                await database.fetch(asked("1 FROM nowhere"))
            assert await database.fetch(asked("CAST(:number AS int) + 1"), number=41) == [(42,)]

    asyncio.run(read())


def test_a_cancelled_read_leaves_no_half_answer_behind(cluster: Own) -> None:
    settings = Settings(database_url=new_database(cluster).url, database_pool_size=1)

    async def read() -> None:
        async with Database(settings) as database:
            assert await database.fetch(asked("1")) == [(1,)]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await database.fetch(asked("2 FROM pg_sleep(30)"))
            assert await database.fetch(asked("3")) == [(3,)]

    asyncio.run(read())


def test_what_waited_for_a_lock_is_not_there_when_its_caller_was_refused(cluster: Own) -> None:
    """Nor does it go on waiting at the server, beside the connections that the pool counts."""
    url = new_database(cluster).url
    settings = Settings(database_url=url, database_pool_size=2, database_timeout_s=1)
    insert = Statement(THINGS.insert())

    def step() -> Step:
        return Step(insert, {"id": uuid4(), "name": "x", "created_at": datetime.now(UTC)})

    async def write() -> None:
        async with Database(settings) as database:
            # Prepared on both: what is not prepared yet waits for the lock before it is sent.
            await asyncio.gather(database.execute(step()), database.execute(step()))
            other = await asyncpg.connect(url)
            locking = other.transaction()
            await locking.start()
            await other.execute("LOCK TABLE things IN EXCLUSIVE MODE")
            for steps in [step()], [step()], [Step(asked("1"), {}), step()]:
                with pytest.raises(ServiceError, match="busy or gone"):
                    await database.execute(*steps)
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while await other.fetchval(waiting):
                await other.execute("SELECT pg_sleep(0.01)")
            await locking.rollback()
            assert await other.fetchval("SELECT count(*) FROM things") == 2
            await other.close()

    migrate.upgrade(settings, schemas(settings, DOMAIN))
    asyncio.run(asyncio.wait_for(write(), 60))


def test_a_connection_that_rested_for_long_is_not_used_again(cluster: Own) -> None:
    """A proxy may have forgotten it without a word."""
    url = Settings(database_url=new_database(cluster).url).database
    assert isinstance(url, PostgresServers)
    backend = asked("pg_backend_pid()").on("postgresql")

    async def backends(recycle_s: float) -> list[int]:
        driver = Postgres(url, 1, 60, recycle_s)
        found = [row.found for _ in range(3) for row in await driver.fetch(backend, {})]
        await driver.close()
        return found

    assert len(set(asyncio.run(backends(recycle_s=1800)))) == 1
    assert len(set(asyncio.run(backends(recycle_s=-1)))) == 3


def test_a_slow_read_is_given_up_and_the_caller_is_not_cancelled(cluster: Own) -> None:
    settings = Settings(database_url=new_database(cluster).url, database_timeout_s=1)

    async def read() -> None:
        async with Database(settings) as database:
            with pytest.raises(ServiceError, match="busy or gone"):
                await database.fetch(asked("1 FROM pg_sleep(30)"))
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0
            assert await database.fetch(asked("3")) == [(3,)]

    asyncio.run(read())
