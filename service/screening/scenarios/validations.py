"""Payments against the rules."""

from __future__ import annotations

from loadtests.lab.scenario import Request, Scenario, equal_json, post
from service.screening.scenarios.draw import ScreeningDraw, pool_size
from service.screening.scenarios.oracles import judgements


def requests(draw: ScreeningDraw, items: int, _: float | None) -> list[Request]:
    dice = draw.dice("validations", items)
    return [
        post(
            "/v1/validations",
            {"payments": batch},
            equal_json,
            {
                "results": [
                    {"valid": not judged["violations"], **judged} for judged in judgements(batch)
                ]
            },
        )
        for batch in [draw.payments(items, dice) for _ in range(pool_size(items))]
    ]


VALIDATIONS = Scenario(name="validations", requests=requests, items=50, is_hot=True)
