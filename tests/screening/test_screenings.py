"""POST /v1/screenings over the real list: every engine gives the same root and results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from service.screening.watchlist import Watchlist
from tests.contract.samples import payment
from tests.contract.test_screenings import canonical, tree_hash
from tests.screening.fixtures import ENGINE_NAMES, REAL_LIST, misspelt
from tests.servers import Server, serving


@pytest.fixture(scope="module")
def real_server(real: Watchlist, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("real") / "log"
    with serving(
        log,
        engine="python",
        allow_engine_override="true",
        watchlist=str(REAL_LIST),
        request_timeout_s="280",
    ) as server:
        yield server


def post(server: Server, payments: list[dict[str, str]], engine: str) -> dict[str, Any]:
    response = server.client.post(
        "/v1/screenings",
        json={"payments": payments, "cutoff": 0.9, "limit": 5},
        headers={"X-Engine": engine},
        timeout=280,
    )
    assert response.status_code == 201, response.text
    assert response.headers["X-Engine"] == engine
    return response.json()


def test_every_engine_gives_the_same_root_and_results(real: Watchlist, real_server: Server) -> None:
    names = misspelt([entry.name for entry in real.entries], 200, seed=11)
    payments = [
        payment(end_to_end_id=f"R-{place}", debtor_name=debtor, creditor_name=creditor)
        for place, (debtor, creditor) in enumerate(zip(names[::2], names[1::2]))
    ]
    root = tree_hash([canonical(sent) for sent in payments]).hex()
    faster = [name for name in ENGINE_NAMES if name != "reference"]
    answers = [post(real_server, payments, engine) for engine in faster]
    assert [answer["root"] for answer in answers] == [root] * len(faster)
    assert all(answer["results"] == answers[0]["results"] for answer in answers)
    assert sum(len(result["debtor_hits"]) for result in answers[0]["results"]) >= 90
    # The reference takes seconds for each payment.
    few = post(real_server, payments[:3], "reference")
    assert few["root"] == tree_hash([canonical(sent) for sent in payments[:3]]).hex()
    assert few["results"] == answers[0]["results"][:3]
