"""The whole of it: names, rules and root, stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.lab.scenario import Request, Scenario, differs, post
from service.screening.scenarios.draw import CUTOFF, LIMIT, ScreeningDraw, pool_size
from service.screening.scenarios.matches import rows_and_scores
from service.screening.scenarios.oracles import canonical, judgements, merkle_root


def requests(draw: ScreeningDraw, items: int, _: float | None) -> list[Request]:
    dice = draw.dice("screenings", items)
    made = []
    for _number in range(pool_size(2 * items)):
        batch = draw.payments(items, dice)
        expected = {
            "root": merkle_root([canonical(payment) for payment in batch]).hex(),
            "results": [
                {
                    **judged,
                    "debtor_hits": draw.hits(payment["debtor_name"], CUTOFF),
                    "creditor_hits": draw.hits(payment["creditor_name"], CUTOFF),
                }
                for payment, judged in zip(batch, judgements(batch), strict=True)
            ],
        }
        body = {"payments": batch, "cutoff": CUTOFF, "limit": LIMIT}
        made.append(post("/v1/screenings", body, screening, expected, status=201))
    return made


def screening(expected: Mapping[str, Any], document: Any) -> str | None:
    """expected: root, and results with violations, warnings, debtor_hits and creditor_hits."""
    results = document["results"]
    size = len(expected["results"])
    if document["size"] != size or len(results) != size:
        return f"size: expected {size}, got {document['size']} and {len(results)} results"
    if document["root"] != expected["root"]:
        return differs("root", expected["root"], document["root"])
    for number, (result, due) in enumerate(zip(results, expected["results"], strict=True)):
        got = {
            "violations": result["violations"],
            "warnings": result["warnings"],
            "debtor_hits": rows_and_scores(result["debtor_hits"]),
            "creditor_hits": rows_and_scores(result["creditor_hits"]),
        }
        for name, value in due.items():
            if got[name] != value:
                return differs(f"{name} of results[{number}]", value, got[name])
    return None


SCREENINGS = Scenario(name="screenings", requests=requests, items=2, is_hot=True)
