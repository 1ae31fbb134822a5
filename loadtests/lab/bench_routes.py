"""The platform's own scenarios: its bench routes, which need no engine."""

from __future__ import annotations

from typing import Any

from loadtests.lab.scenario import Scenario, equal_json, get

QUERIES = 20
HELLO = "Hello, World!"
HIGHEST_WORLD = 10_000


def row(_: None, document: Any) -> str | None:
    """A random row of /bench/db: nobody knows which, only what each looks like."""
    if document.keys() != {"id", "randomNumber"}:
        return f"body: expected id and randomNumber, got {sorted(document)}"
    for name, number in document.items():
        if type(number) is not int or not 1 <= number <= HIGHEST_WORLD:
            return f"{name}: expected 1 to {HIGHEST_WORLD}, got {number!r}"
    return None


def rows(expected: int, document: Any) -> str | None:
    """expected: how many."""
    if len(document) != expected:
        return f"body: expected {expected} rows, got {len(document)}"
    return next((wrong for one in document if (wrong := row(None, one))), None)


PLAINTEXT = Scenario(
    name="plaintext", requests=lambda *_: [get("/bench/plaintext", None, HELLO)]
)  # the generator's calibration alone
JSON = Scenario(
    name="json", requests=lambda *_: [get("/bench/json", equal_json, {"message": HELLO})]
)
DB = Scenario(name="db", requests=lambda *_: [get("/bench/db", row, None)])
ROWS = Scenario(
    name="queries",
    requests=lambda *_: [get(f"/bench/queries?queries={QUERIES}", rows, QUERIES)],
)
SCENARIOS = (JSON, DB, ROWS)
