"""GET /v1/payments: the newest first, a page at a time."""

from __future__ import annotations

import pytest

from tests.contract.conftest import Api
from tests.contract.samples import UNKNOWN_ID, payment, problem


def create(api: Api, count: int) -> list[dict]:
    return [api.pay(payment()).json() for _ in range(count)]


def page(api: Api, **query: object) -> dict:
    response = api.get("/v1/payments", params=query)
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"payments", "next"}
    return body


def test_ids_are_in_the_order_of_creation(api: Api) -> None:
    ids = [created["id"] for created in create(api, 20)]
    assert ids == sorted(set(ids))


def test_pages_hold_each_payment_once_though_others_arrive(api: Api) -> None:
    wanted = create(api, 7)[::-1]
    before = wanted[-1]["id"]
    found, after = [], {}
    while True:
        got = page(api, limit=3, **after)
        found += got["payments"]
        if found[-1]["id"] <= before:
            break
        assert len(got["payments"]) == 3
        assert got["next"] == got["payments"][-1]["id"]
        after = {"after": got["next"]}
        create(api, 2)
    assert found[:7] == wanted


def walk(api: Api, limit: int) -> list[dict]:
    found, query = [], {"limit": limit}
    while True:
        got = page(api, **query)
        found += got["payments"]
        if got["next"] is None:
            return found
        assert len(got["payments"]) == limit
        query["after"] = got["next"]


def test_the_last_page_says_so(api: Api) -> None:
    create(api, 3)
    ids = [entry["id"] for entry in walk(api, 100)]
    assert [(len(ids),)] == api.database.rows("SELECT count(*) FROM payments")
    assert ids == sorted(set(ids), reverse=True)


def test_a_full_last_page_has_no_next(api: Api) -> None:
    create(api, 3)
    *_, third, second, last = walk(api, 100)
    assert page(api, limit=2, after=third["id"]) == {"payments": [second, last], "next": None}


def test_behind_the_oldest_there_is_nothing(api: Api) -> None:
    create(api, 1)
    oldest = "00000000-0000-0000-0000-000000000000"
    assert page(api, after=oldest) == {"payments": [], "next": None}


def test_after_need_not_be_the_id_of_a_payment(api: Api) -> None:
    wanted = create(api, 2)[::-1]
    got = page(api, limit=2, after="ffffffff-ffff-7fff-bfff-ffffffffffff")
    assert got["payments"] == wanted
    assert page(api, after=UNKNOWN_ID)["payments"] == []  # of the year 2023


def test_a_page_has_20_where_no_limit_is_given(api: Api) -> None:
    create(api, 21)
    assert len(page(api)["payments"]) == 20
    assert len(page(api, limit=1)["payments"]) == 1


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", "", "9" * 30])
def test_a_limit_out_of_range_is_refused(api: Api, limit: str) -> None:
    problem(api.get("/v1/payments", params={"limit": limit}), "invalid_argument", "limit")


@pytest.mark.parametrize("after", ["x", "", UNKNOWN_ID[:-1], "1"])
def test_an_after_that_is_no_id_is_refused(api: Api, after: str) -> None:
    problem(api.get("/v1/payments", params={"after": after}), "invalid_argument", "after")
