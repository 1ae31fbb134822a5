"""Idempotency-Key over a real socket, on SQLite; what is stored is looked up beside the server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import count, islice
from pathlib import Path

import httpx2
import pytest

from tests.databases import Sqlite
from tests.platform.running import serving
from tests.platform.toy.gate import Gate
from tests.servers import Server

_numbers = count(1)


@pytest.fixture
def key() -> str:
    return f"key-{next(_numbers)}"


@pytest.fixture(scope="module")
def database(server: Server) -> Sqlite:
    return Sqlite(server.log.parent / "hotpath.db")


def create(server: Server, key: str | None, name: str, **more: object) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return server.client.post("/v1/things", json={"name": name, **more}, headers=headers)


def count_of(database: Sqlite, name: str) -> int:
    ((found,),) = database.rows("SELECT count(*) FROM things WHERE name = ?", name)
    return found


def test_a_repetition_gets_the_first_answer_and_nothing_is_done(
    server: Server, database: Sqlite, key: str
) -> None:
    first, second = (create(server, key, "once") for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count_of(database, "once") == 1
    assert server.client.get(first.headers["Location"]).json() == first.json()


def test_without_a_key_each_request_creates(server: Server, database: Sqlite) -> None:
    ids = {create(server, None, "twice").json()["id"] for _ in range(2)}
    assert len(ids) == count_of(database, "twice") == 2


def test_another_body_under_the_key_is_an_error(server: Server, database: Sqlite, key: str) -> None:
    assert create(server, key, "first body").status_code == 201
    response = create(server, key, "second body")
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert count_of(database, "second body") == 0


def test_a_request_that_was_refused_leaves_the_key_unused(server: Server, key: str) -> None:
    assert create(server, key, "").status_code == 422
    assert create(server, key, "now right").status_code == 201


def test_of_many_at_once_one_creates_and_the_others_are_told_to_wait(
    server: Server, database: Sqlite, gate: Gate, key: str
) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(create, server, key, "crowd", gate=gate.path) for _ in range(6)]
        try:
            conflicts = list(islice(as_completed(found, 60), 5))  # while the sixth is inside
        finally:
            gate.open()
        (created,) = [one.result() for one in found if one not in conflicts]
    assert created.status_code == 201
    for response in (conflict.result() for conflict in conflicts):
        assert response.status_code == 409
        assert response.json()["code"] == "idempotency_conflict"
        assert response.headers["Retry-After"] == "1"
    assert count_of(database, "crowd") == 1


@pytest.mark.parametrize("bad", ["", "a b", "x" * 256, "caf\u00e9"])
def test_what_is_no_key_is_refused(server: Server, bad: str) -> None:
    response = server.client.post(
        "/v1/things", json={"name": "x"}, headers={"Idempotency-Key": bad.encode()}
    )
    assert (response.status_code, response.json()["code"]) == (422, "invalid_argument")
    assert "1 to 255 visible ASCII characters" in response.json()["detail"]


def test_a_key_outlives_the_server_that_was_killed(tmp_path: Path, key: str) -> None:
    with serving(tmp_path / "log") as server:
        first = create(server, key, "kept")
        server.kill()
    with serving(tmp_path / "log") as server:
        second = create(server, key, "kept")
        assert (second.status_code, second.content) == (201, first.content)
        assert second.headers["Idempotency-Replayed"] == "true"
        assert count_of(Sqlite(tmp_path / "hotpath.db"), "kept") == 1


def test_a_deadline_before_the_effect_leaves_nothing_behind(
    server: Server, database: Sqlite, gate: Gate, key: str
) -> None:
    response = create(server, key, "late", gate=gate.path)
    assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
    assert count_of(database, "late") == 0
    assert create(server, key, "in time").status_code == 201


def test_a_database_that_is_locked_is_a_503_and_recovers(tmp_path: Path, key: str) -> None:
    database = Sqlite(tmp_path / "hotpath.db")
    with serving(tmp_path / "log", database_timeout_s="0.5") as server:
        with database.writers_waiting("things"):
            response = create(server, key, "blocked")
            assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
            assert response.headers["Retry-After"] == "1"
            assert server.client.get("/health/live").status_code == 200
        assert create(server, key, "blocked").status_code == 201
        assert count_of(database, "blocked") == 1
