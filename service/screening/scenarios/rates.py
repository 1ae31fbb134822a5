"""Rates from several upstreams, for which a stub stands in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from loadtests.lab.scenario import Request, Scenario, Start, equal_json, get
from service.screening.scenarios.draw import ScreeningDraw

BASES = ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "PLN")
SOURCES = ("alpha", "beta", "gamma", "delta", "epsilon")
DELAY_MS = 20


def upstreams(start: Start) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """The stub's addresses for the servers, and by base what each source answers, asked of it."""
    stub = start(
        "upstream",
        ("upstream", "--port", "{port}", "--delay-ms", str(DELAY_MS)),
        f"/rates/{SOURCES[0]}?base=EUR",
    )
    host = f"127.0.0.1:{stub.port}"
    environment = {
        "HOTPATH_UPSTREAMS": ",".join(f"{s}=http://{host}/rates/{s}" for s in SOURCES),
        "HOTPATH_UPSTREAM_HOSTS": host,
    }
    found: dict[str, Any] = {}
    for base in BASES:
        found[base] = {}
        for source in SOURCES:
            _, _, content = stub.ask("GET", f"/rates/{source}?base={base}")
            found[base][source] = json.loads(content)["rates"]
    return environment, found


def requests(draw: ScreeningDraw, *_: object) -> list[Request]:
    return [
        get(
            f"/v1/rates?base={base}",
            equal_json,
            {"base": base, "complete": True, "rates": draw.rates[base], "missing": []},
        )
        for base in BASES
    ]


RATES = Scenario(name="rates", requests=requests, rate_rps=50.0)
