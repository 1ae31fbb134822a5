"""Records under one root."""

from __future__ import annotations

import base64

from loadtests.lab.scenario import Request, Scenario, equal_json, post
from service.screening.scenarios.draw import ScreeningDraw, pool_size
from service.screening.scenarios.oracles import canonical, merkle_root


def requests(draw: ScreeningDraw, items: int, _: float | None) -> list[Request]:
    dice = draw.dice("seals", items)
    batches = [
        [canonical(payment) for payment in draw.payments(items, dice)]
        for _ in range(pool_size(items))
    ]
    return [
        post(
            "/v1/seals",
            {"records": [base64.b64encode(record).decode() for record in records]},
            equal_json,
            {"root": merkle_root(records).hex(), "size": items, "proofs": {}},
        )
        for records in batches
    ]


SEALS = Scenario(name="seals", requests=requests, items=100, sweep=(10, 1000), is_hot=True)
