"""A database that is busy, slow, gone or wrong: said as such, in time, and got over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import httpx2
import pytest

from service.store.database import has_wal_reset_bug
from tests.contract.conftest import DATABASE_TIMEOUT_S as TIMEOUT_S
from tests.contract.conftest import SERVERS, Api, Fleet, Start, upgraded
from tests.contract.samples import UNKNOWN_ID, new_id, payment, problem
from tests.postgres import Own, new_database
from tests.servers import serving, wait_until

IN_TIME_S = 9.0  # on a busy machine; a request's own deadline is 10 s, and another answer
READS = ("/v1/payments", f"/v1/payments/{UNKNOWN_ID}")


def assert_unavailable(api: Api) -> None:
    """Every route that needs the database says so in time, the others go on."""
    for path in READS:
        problem(in_time(api.get, path), "database_unavailable")
    problem(in_time(api.pay, payment()), "database_unavailable")
    problem(in_time(api.pay, payment(), new_id("key")), "database_unavailable")
    assert in_time(api.get, "/health/ready").status_code == 503
    assert in_time(api.get, "/health/live").status_code == 200
    assert in_time(api.post, "/v1/seals", json={"records": []}).status_code == 200


def in_time(call, *arguments, **named) -> httpx2.Response:
    started = time.monotonic()
    answer = call(*arguments, **named)
    assert time.monotonic() - started < IN_TIME_S
    return answer


def assert_recovers(api: Api) -> None:
    wait_until(lambda: api.get("/health/ready").status_code == 200, "readiness", timeout_s=60)
    wait_until(lambda: api.pay(payment()).status_code == 201, "a payment", timeout_s=60)
    for _ in range(12):  # more than the pool has: no connection is left broken
        assert api.pay(payment(), new_id("key")).status_code == 201
        assert api.get("/v1/payments").status_code == 200


@pytest.fixture(scope="module", params=SERVERS)
def on_postgres(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    watchlist_directory: Path,
    own_postgres: Own,
) -> Iterator[Api]:
    """A server that was started while its PostgreSQL was away, which came later."""
    database = upgraded(new_database(own_postgres))
    start = Start(request.param, tmp_path_factory.mktemp("faults") / "log", watchlist_directory)
    own_postgres.stop()
    try:
        with start(database, until="/health/live", database_timeout_s=str(TIMEOUT_S)) as api:
            assert_unavailable(api)
            own_postgres.start()
            assert_recovers(api)
            yield api
    finally:
        if not own_postgres.is_running():
            own_postgres.start()


def test_a_server_starts_without_postgres_and_serves_when_it_comes(on_postgres: Api) -> None:
    assert on_postgres.pay(payment()).status_code == 201  # the fixture has seen the rest


def test_postgres_goes_and_comes_back(on_postgres: Api, own_postgres: Own) -> None:
    own_postgres.stop()
    try:
        assert_unavailable(on_postgres)
    finally:
        own_postgres.start()
    assert_recovers(on_postgres)


def test_postgres_does_not_answer_for_a_while(on_postgres: Api, own_postgres: Own) -> None:
    sent, key = payment(), new_id("key")
    with own_postgres.frozen():
        problem(in_time(on_postgres.pay, sent, key), "database_unavailable")
        assert_unavailable(on_postgres)
    assert_recovers(on_postgres)
    assert on_postgres.pay(sent, key).status_code == 201
    assert rows(on_postgres, sent) == 1


def test_many_requests_to_a_frozen_postgres_all_end_in_time(
    on_postgres: Api, own_postgres: Own
) -> None:
    async def all_at_once() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(
            base_url=str(on_postgres.server.client.base_url),
            timeout=30,
            limits=httpx2.Limits(max_connections=40),
            trust_env=False,
        ) as client:
            requests = [client.post("/v1/payments", json=payment()) for _ in range(40)]
            return await asyncio.gather(*requests)

    with own_postgres.frozen():
        started = time.monotonic()
        answers = asyncio.run(all_at_once())
        assert time.monotonic() - started < IN_TIME_S
        for answer in answers:
            problem(answer, "database_unavailable")
        assert on_postgres.get("/health/live").status_code == 200
    assert_recovers(on_postgres)


def test_a_table_that_is_locked_for_too_long(on_postgres: Api) -> None:
    sent, key = payment(), new_id("key")
    with on_postgres.database.writers_waiting("payments"):
        problem(in_time(on_postgres.pay, sent, key), "database_unavailable")
        assert on_postgres.get("/v1/payments").status_code == 200
    assert rows(on_postgres, sent) == 0
    assert on_postgres.pay(sent, key).status_code == 201
    assert rows(on_postgres, sent) == 1


def test_a_server_starts_while_postgres_does_not_answer(own_postgres: Own, tmp_path: Path) -> None:
    settings = {"database_timeout_s": str(TIMEOUT_S), "engine": "python"}
    database = upgraded(new_database(own_postgres))
    with (
        own_postgres.frozen(),
        serving(
            tmp_path / "log",
            until="/health/live",
            within_s=60,
            database_url=database.url,
            **settings,
        ) as server,
    ):
        assert server.client.get("/health/ready").status_code == 503


def rows(api: Api, sent: dict) -> int:
    query = "SELECT count(*) FROM payments WHERE end_to_end_id = ?"
    ((count,),) = api.database.rows(query, sent["end_to_end_id"])
    return count


def test_sqlite_is_locked_for_too_long(bare: Api) -> None:
    sent, key = payment(), new_id("key")
    with bare.database.writers_waiting("payments"):
        problem(in_time(bare.pay, sent), "database_unavailable")
        problem(in_time(bare.pay, sent, key), "database_unavailable")
        # Readers are not in the way of a writer, nor it in theirs.
        assert bare.get("/v1/payments").status_code == 200
        assert bare.get("/health/ready").status_code == 200
    assert rows(bare, sent) == 0
    assert bare.database.rows("SELECT * FROM idempotency_keys WHERE key = ?", key) == []
    first = bare.pay(sent, key)
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    assert rows(bare, sent) == 1


def test_sqlite_is_locked_for_a_moment(stateless: Api) -> None:
    """A shorter one than the server's patience, which is long there."""
    sent = payment()
    with ThreadPoolExecutor(1) as pool:
        with stateless.database.writers_waiting("payments"):
            answer = pool.submit(stateless.pay, sent)
            assert not wait([answer], 0.3).done
        assert answer.result().status_code == 201
    assert rows(stateless, sent) == 1


def test_many_writers_get_through_one_after_the_other(bare: Api) -> None:
    before = len(bare.database.rows("SELECT id FROM payments"))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: bare.pay(payment()), range(60)))
    created = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, "database_unavailable")
    assert len(set(created)) == len(created) >= 1
    assert len(bare.database.rows("SELECT id FROM payments")) == before + len(created)


def test_what_is_our_own_fault_is_called_that_and_tells_nothing(bare: Api) -> None:
    bare.database.run("ALTER TABLE payments RENAME TO hidden")
    try:
        for answer in (*map(bare.get, READS), bare.pay(payment())):
            assert answer.status_code == 500
            assert answer.headers["Content-Type"] == "application/problem+json"
            document = answer.json()
            assert (document["code"], document["status"]) == ("internal", 500)
            assert document["title"] == "Something broke inside the service"
            assert document["request_id"] == answer.headers["X-Request-ID"]
            assert document["request_id"] in document["detail"]
            assert "Retry-After" not in answer.headers
            for secret in ("no such table", "payments", "SELECT", "INSERT", "Traceback"):
                assert secret not in answer.text
            log = bare.server.log.read_text()
            assert document["request_id"] in log
            assert "no such table" in log
            assert "DE89370400440532013000" not in log  # payments are nobody's business
    finally:
        bare.database.run("ALTER TABLE hidden RENAME TO payments")
    assert bare.pay(payment()).status_code == 201


def test_the_start_warns_of_the_wal_reset_bug(fleet: Fleet) -> None:
    log = fleet["service-sqlite"].server.log.read_text()
    assert ("WAL-reset bug" in log) == has_wal_reset_bug()
