"""A lost answer: the effect is there once or not at all, and the key brings the answer back."""

from __future__ import annotations

import json
import random
import socket
import struct
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.contract.conftest import Api, Start, upgraded
from tests.contract.postgres_proxy import PostgresProxy
from tests.contract.samples import new_id, payment, problem
from tests.databases import Database, Sqlite
from tests.postgres import Own, new_database
from tests.servers import serving, wait_until


def payments(database: Database, sent: dict) -> list[tuple]:
    query = "SELECT amount_minor FROM payments WHERE end_to_end_id = ?"
    return database.rows(query, sent["end_to_end_id"])


def keys(database: Database, key: str) -> list[dict]:
    """The stored answers of a key: one at most."""
    rows = database.rows("SELECT body FROM idempotency_keys WHERE key = ?", key)
    return [json.loads(bytes(body)) for (body,) in rows]


def assert_answered_as_the_first_time(api: Api, sent: dict, key: str) -> None:
    """That the payment was there before this request, with its answer."""
    (stored,) = keys(api.database, key)
    again = api.pay(sent, key)
    assert again.status_code == 201, again.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == stored
    assert api.get(again.headers["Location"]).json() == stored
    assert len(payments(api.database, sent)) == 1
    problem(api.pay(sent | {"amount": "1.00"}, key), "idempotency_key_reused")


def test_killed_after_the_commit_and_before_the_answer_on_postgresql(
    start: Start, own_postgres: Own
) -> None:
    database = upgraded(new_database(own_postgres))
    sent, key = payment(), new_id("key")
    with (
        PostgresProxy(own_postgres.socket_path) as proxy,
        ThreadPoolExecutor(1) as pool,
        start(proxy.database(database), database_timeout_s="20") as api,
    ):
        proxy.hold_commits()
        answer = pool.submit(api.pay, sent, key)
        assert proxy.held.wait(60)
        # The server does not know it yet, but the database does.
        assert len(payments(database, sent)) == len(keys(database, key)) == 1
        assert not answer.done()
        api.server.kill()
        with pytest.raises(httpx2.TransportError):
            answer.result()
    with start(database) as api:
        assert_answered_as_the_first_time(api, sent, key)


def test_killed_after_the_commit_and_before_the_answer_on_sqlite(
    tmp_path: Path, watchlist_directory: Path
) -> None:
    database = upgraded(Sqlite(tmp_path / "killed.db"))
    settings = {"database_url": database.url, "watchlist": str(watchlist_directory)}
    sent, key = payment(), new_id("key")
    dying = (
        *(sys.executable, "-m", "uvicorn", "--factory", "tests.contract.dying_app:create_app"),
        *("--port", "{port}"),
    )
    with serving(tmp_path / "log", command=dying, **settings) as server:
        with pytest.raises(httpx2.TransportError):
            Api("service", server, database).pay(sent, key)
        assert server.process.wait(60) == -9
    assert len(payments(database, sent)) == len(keys(database, key)) == 1
    with serving(tmp_path / "log", **settings) as server:
        assert_answered_as_the_first_time(Api("service", server, database), sent, key)


def raw_request(sent: dict, key: str) -> bytes:
    body = httpx2.Request("POST", "http://x", json=sent).content  # the bytes that Api.pay sends
    head = (
        f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n\r\n"
    )
    return head.encode() + body


def test_killed_while_it_writes_on_sqlite(start: Start, tmp_path: Path) -> None:
    """At any moment: as soon as the row can be seen, and at times of chance."""
    database = Sqlite(tmp_path / "killed.db")
    rng = random.Random(11)
    moments = [None, rng.random() / 50, rng.random() / 100]
    wanted = []
    for moment in moments if start.name != "service" else moments[:1]:
        with start(database) as api:
            for _ in range(5):  # the moment is one of a server at work
                assert api.pay(payment(), new_id("key")).status_code == 201
            requests = [(payment(), new_id("key")) for _ in range(8)]
            wanted += requests
            connections = []
            for sent, key in requests:
                connection = socket.create_connection(("127.0.0.1", api.server.port))
                connection.sendall(raw_request(sent, key))
                connections.append(connection)
            if moment is None:
                first = requests[0]
                wait_until(lambda first=first: payments(database, first[0]), "the row")
            else:
                time.sleep(moment)
            api.server.kill()
            for connection in connections:
                connection.close()
    survivors = [(sent, key) for sent, key in wanted if payments(database, sent)]
    assert wanted[0] in survivors
    assert all(len(keys(database, key)) == len(payments(database, sent)) for sent, key in wanted)
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
    with start(database) as api:
        for sent, key in survivors:
            assert_answered_as_the_first_time(api, sent, key)
        for sent, key in wanted:
            assert api.pay(sent, key).status_code == 201
            assert len(payments(database, sent)) == 1


def test_a_client_that_leaves_gets_all_or_nothing(api: Api) -> None:
    rng = random.Random(13)
    whole, half = [], []
    for number in range(60):
        sent, key = payment(), new_id("key")
        request = raw_request(sent, key)
        is_half = number % 10 == 9
        (half if is_half else whole).append((sent, key))
        with socket.create_connection(("127.0.0.1", api.server.port)) as connection:
            if number % 2:  # a reset, not a goodbye
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(request[: -20 if is_half else None])
            time.sleep(rng.random() * 0.008)
    # Some are still at it, so what is looked at first decides.
    keys_before, made, keys_after = stored_keys(api), stored_payments(api), stored_keys(api)
    for sent, key in whole:
        assert key not in keys_before or sent["end_to_end_id"] in made
        assert sent["end_to_end_id"] not in made or key in keys_after
    for sent, key in whole:
        wait_until(
            lambda sent=sent, key=key: api.pay(sent, key).status_code != 409,
            "the first",
        )
        assert api.pay(sent, key).headers["Idempotency-Replayed"] == "true"
    keys_now, made = stored_keys(api), stored_payments(api)
    assert all(made[sent["end_to_end_id"]] == keys_now[key] == 1 for sent, key in whole)
    assert not any(sent["end_to_end_id"] in made or key in keys_now for sent, key in half)


def stored_keys(api: Api) -> Counter[str]:
    return Counter(key for (key,) in api.database.rows("SELECT key FROM idempotency_keys"))


def stored_payments(api: Api) -> Counter[str]:
    return Counter(name for (name,) in api.database.rows("SELECT end_to_end_id FROM payments"))
