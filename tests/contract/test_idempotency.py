"""Idempotency-Key: what was answered once is answered again, and done once."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import httpx2
import pytest

from tests.contract.conftest import Api
from tests.contract.samples import new_id, payment, problem


def count(api: Api, end_to_end_id: str) -> int:
    ((found,),) = api.database.rows(
        "SELECT count(*) FROM payments WHERE end_to_end_id = ?", end_to_end_id
    )
    return found


def is_replay_of(answer: httpx2.Response, first: httpx2.Response) -> bool:
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    return (
        answer.status_code == 201
        and answer.content == first.content
        and answer.headers["Location"] == first.headers["Location"]
        and answer.headers["Content-Type"] == first.headers["Content-Type"]
        and answer.headers.get("Idempotency-Replayed") == "true"
    )


def test_the_same_request_again_gets_the_first_answer(api: Api) -> None:
    sent, key = payment(creditor_name="Ünal “名”"), new_id("key")
    first = api.pay(sent, key)
    assert first.status_code == 201, first.text
    assert all(is_replay_of(api.pay(sent, key), first) for _ in range(3))
    assert count(api, sent["end_to_end_id"]) == 1


# engine: go
def test_another_server_on_the_database_gives_the_first_answer(pair: tuple[Api, Api]) -> None:
    for one, other in (pair, pair[::-1]):
        sent, key = payment(), new_id("key")
        first = one.pay(sent, key)
        assert is_replay_of(other.pay(sent, key), first)
        problem(other.pay(payment(), key), "idempotency_key_reused")
        assert count(one, sent["end_to_end_id"]) == 1


# engine: end
def test_another_body_under_the_key_is_refused(api: Api) -> None:
    sent, other, key = payment(), payment(), new_id("key")
    first = api.pay(sent, key)
    problem(api.pay(other, key), "idempotency_key_reused")
    assert count(api, other["end_to_end_id"]) == 0
    assert is_replay_of(api.pay(sent, key), first)


def test_bodies_are_the_same_when_their_bytes_are(api: Api) -> None:
    sent, key = payment(), new_id("key")
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    compact, spaced = json.dumps(sent, separators=(",", ":")), json.dumps(sent, indent=1)
    first = api.post("/v1/payments", content=compact, headers=headers)
    problem(api.post("/v1/payments", content=spaced, headers=headers), "idempotency_key_reused")
    again = api.post(
        "/v1/payments",
        content=iter([compact[:9].encode(), compact[9:].encode()]),
        headers=headers,
    )
    assert is_replay_of(again, first)


def test_without_a_key_each_request_counts(api: Api) -> None:
    sent = payment()
    assert len({api.pay(sent).json()["id"] for _ in range(3)}) == 3
    assert count(api, sent["end_to_end_id"]) == 3


def test_keys_are_told_apart_to_the_letter(api: Api) -> None:
    sent, key = payment(), new_id("Key")
    answers = [api.pay(sent, name) for name in (key, key.lower(), key + "'", key + "%")]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 4


@pytest.mark.parametrize(
    "code", ["payment_invalid", "invalid_argument", "malformed_json", "unsupported_media_type"]
)
def test_a_refused_body_leaves_the_key_unused(api: Api, code: str) -> None:
    sent, key = payment(), new_id("key")
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    body = json.dumps(sent)
    refused = {
        "payment_invalid": json.dumps(sent | {"amount": "0"}),
        "invalid_argument": json.dumps(sent | {"amount": 7}),
        "malformed_json": body[:-1],
        "unsupported_media_type": body,
    }[code]
    kind = "text/plain" if code == "unsupported_media_type" else "application/json"
    fields = ("amount",) if code in ("payment_invalid", "invalid_argument") else ()
    answer = api.post("/v1/payments", content=refused, headers=headers | {"Content-Type": kind})
    problem(answer, code, *fields)
    assert api.database.rows("SELECT * FROM idempotency_keys WHERE key = ?", key) == []
    first = api.post("/v1/payments", content=body, headers=headers)
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    # And it is refused before the key is looked at.
    answer = api.post("/v1/payments", content=refused, headers=headers | {"Content-Type": kind})
    problem(answer, code, *fields)


@pytest.mark.parametrize("characters", ["".join(map(chr, range(0x21, 0x7F))), "~" * 240])
def test_visible_ascii_makes_a_key(api: Api, characters: str) -> None:
    sent, key = payment(), (new_id() + characters).ljust(255, "!")
    assert len(key) == 255
    first = api.pay(sent, key)
    assert is_replay_of(api.pay(sent, key), first)


@pytest.mark.parametrize("key", [b"", b"a" * 256, b"a b", b"a\tb", "schlüssel".encode(), b"\xff"])
def test_what_is_no_key_is_refused(api: Api, key: bytes) -> None:
    sent = payment()
    answer = api.post("/v1/payments", json=sent, headers=[(b"Idempotency-Key", key)])
    problem(answer, "invalid_argument", "Idempotency-Key")
    assert count(api, sent["end_to_end_id"]) == 0


def in_parallel(apis: list[Api], sent: dict, key: str) -> tuple[ThreadPoolExecutor, set[Future]]:
    pool = ThreadPoolExecutor(len(apis))
    return pool, {pool.submit(api.pay, sent, key) for api in apis}


def test_a_request_that_is_being_carried_out_is_a_conflict(api: Api) -> None:
    sent, key = payment(), new_id("key")
    assert_one_waits_and_one_conflicts([api, api], sent, key)


# engine: go
def test_a_request_that_another_server_carries_out_is_a_conflict(fleet) -> None:
    """On PostgreSQL; on SQLite the other server waits, and then replays."""
    apis = [fleet["service-postgresql"], fleet["gateway-postgresql"]]
    assert_one_waits_and_one_conflicts(apis, payment(), new_id("key"))


# engine: end
def assert_one_waits_and_one_conflicts(apis: list[Api], sent: dict, key: str) -> None:
    with apis[0].database.writers_waiting("payments"):
        pool, running = in_parallel(apis, sent, key)
        done, waiting = wait(running, 8, FIRST_COMPLETED)
        assert len(done) == 1, "both wait for the database"
        problem(done.pop().result(), "idempotency_conflict")
    first = waiting.pop().result()
    pool.shutdown()
    assert first.status_code == 201
    assert count(apis[0], sent["end_to_end_id"]) == 1
    assert is_replay_of(apis[-1].pay(sent, key), first)


# engine: go
def test_on_sqlite_two_servers_take_turns(fleet) -> None:
    apis = [fleet["service-sqlite"], fleet["gateway-sqlite"]]
    sent, key = payment(), new_id("key")
    with apis[0].database.writers_waiting("payments"):
        pool, running = in_parallel(apis, sent, key)
        assert not wait(running, 0.5, FIRST_COMPLETED).done
    answers = sorted(
        (future.result() for future in running), key=lambda a: "Idempotency-Replayed" in a.headers
    )
    pool.shutdown()
    assert is_replay_of(answers[1], answers[0])
    assert count(apis[0], sent["end_to_end_id"]) == 1


# engine: end
def test_fifty_at_once_do_it_once(api: Api) -> None:
    sent, key = payment(), new_id("key")

    async def all_at_once() -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=50)
        async with httpx2.AsyncClient(
            base_url=str(api.server.client.base_url), timeout=30, limits=limits, trust_env=False
        ) as client:
            headers = {"Idempotency-Key": key}
            requests = [client.post("/v1/payments", json=sent, headers=headers) for _ in range(50)]
            return await asyncio.gather(*requests)

    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} <= {201, 409}
    created = [answer for answer in answers if answer.status_code == 201]
    (first,) = [answer for answer in created if "Idempotency-Replayed" not in answer.headers]
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, "idempotency_conflict")
        elif answer is not first:
            assert is_replay_of(answer, first)
    assert count(api, sent["end_to_end_id"]) == 1
