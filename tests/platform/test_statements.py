from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest
from sqlalchemy import column, text

from service.errors import ServiceError
from service.settings import Settings
from service.startup import schemas
from service.store import migrate
from service.store.database import Database
from service.store.statements import Statement
from tests.platform.running import serving
from tests.platform.toy import DOMAIN
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
