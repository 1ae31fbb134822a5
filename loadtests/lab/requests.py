"""The requests of a run, and what must come back: seeded, and the same for every server."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loadtests.lab.oracles import Entry, Found, brute_force, canonical, merkle_root, violations

TYPO, EXACT = 0.4, 0.2  # shares of the names; the rest is unrelated to the list
SYLLABLES = ("an", "bel", "cor", "da", "el", "fi", "gor", "hu", "is", "ka", "lo", "mir", "no")
NAMES = 2048  # different ones, of which all requests are made
LARGEST_POOL, SMALLEST_POOL = 256, 8  # requests
CUTOFF, LIMIT = 0.9, 5
BASES = ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "PLN")
QUERIES = 20
HELLO = "Hello, World!"
VALID_IBANS = (  # the examples of ISO 13616's registry
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "CH9300762011623852957",
)
BICS = ("DEUTDEFF", "NWBKGB2L", "BNPAFRPP", "ABNANL2A", "UBSWCHZH")


@dataclass(frozen=True, slots=True)
class Pool:
    """requests: each with method, path, body (text or None) and check; see answers.py."""

    requests: list[dict[str, Any]]

    @property
    def request_bytes(self) -> float:
        sizes = [len((request["body"] or "").encode()) for request in self.requests]
        return sum(sizes) / len(sizes)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"requests": self.requests}))


class Pools:
    """Makes the pool of each kind of load; the same for the same seed and list.

    entries: of the watchlist. normalize: of names.
    lowest_cutoff: that any pool of matches will ask for.
    rates: what the upstreams answer, by base; needed for the scenario `rates` alone.
    """

    def __init__(
        self,
        seed: int,
        entries: Sequence[Entry],
        normalize: Callable[[str], str],
        lowest_cutoff: float = CUTOFF,
        rates: Mapping[str, Any] | None = None,
    ) -> None:
        self._seed, self._entries, self._normalize = seed, entries, normalize
        self._lowest_cutoff, self._rates = lowest_cutoff, rates or {}
        self._makers: Mapping[str, Callable[[int, float], list[dict[str, Any]]]] = {
            "matches": self._matches,
            "validations": self._validations,
            "seals": self._seals,
            "screenings": self._screenings,
            "plaintext": lambda *_: [_get("/bench/plaintext", "bytes", HELLO)],
            "json": lambda *_: [_get("/bench/json", "equal_json", {"message": HELLO})],
            "db": lambda *_: [_get("/bench/db", "row", None)],
            "queries": lambda *_: [_get(f"/bench/queries?queries={QUERIES}", "rows", QUERIES)],
            "rates": self._rate_requests,
        }

    def pool(self, scenario: str, items: int | None, work: float | None) -> Pool:
        """items: of a request; None where it has none. work: the cutoff, CUTOFF by default."""
        return Pool(self._makers[scenario](items or 0, work or CUTOFF))

    def queries(self, count: int = 64) -> list[str]:
        """Some of the names, normalised."""
        return [self._normalize(name) for name in self._names[:count]]

    @cached_property
    def _names(self) -> list[str]:
        dice = random.Random(f"{self._seed} names")
        return [_name(dice, self._entries) for _ in range(NAMES)]

    @cached_property
    def _found(self) -> dict[str, Found]:
        """By name all hits that any cutoff could ask for. Those of a higher cutoff are the
        first ones of a lower cutoff's, so one pass over the list serves all."""
        distinct = list(dict.fromkeys(self._names))
        queries = [self._normalize(name) for name in distinct]
        return dict(
            zip(
                distinct,
                brute_force(queries, self._entries, self._lowest_cutoff, LIMIT),
                strict=True,
            )
        )

    def _hits(self, name: str, cutoff: float) -> Found:
        return [hit for hit in self._found[name] if hit[1] >= cutoff]

    def _batches(self, items: int) -> list[list[str]]:
        """Names in turn, as many requests as they give, within the bounds of a pool."""
        count = min(max(NAMES // items, SMALLEST_POOL), LARGEST_POOL)
        return [
            [self._names[(number * items + i) % NAMES] for i in range(items)]
            for number in range(count)
        ]

    def _matches(self, items: int, cutoff: float) -> list[dict[str, Any]]:
        return [
            _post(
                "/v1/matches",
                {"names": names, "cutoff": cutoff, "limit": LIMIT},
                "hits",
                [self._hits(name, cutoff) for name in names],
            )
            for names in self._batches(items)
        ]

    def _payments(self, items: int, dice: random.Random) -> list[dict[str, str]]:
        return [_payment(dice, number, self._names) for number in range(items)]

    def _validations(self, items: int, _: float) -> list[dict[str, Any]]:
        dice = random.Random(f"{self._seed} validations {items}")
        batches = [self._payments(items, dice) for _ in range(_pool_size(items))]
        return [
            _post(
                "/v1/validations",
                {"payments": batch},
                "equal_json",
                {
                    "results": [
                        {"valid": not broken, "violations": broken} for broken in violations(batch)
                    ]
                },
            )
            for batch in batches
        ]

    def _seals(self, items: int, _: float) -> list[dict[str, Any]]:
        dice = random.Random(f"{self._seed} seals {items}")
        batches = [
            [canonical(payment) for payment in self._payments(items, dice)]
            for _ in range(_pool_size(items))
        ]
        return [
            _post(
                "/v1/seals",
                {"records": [base64.b64encode(record).decode() for record in records]},
                "equal_json",
                {"root": merkle_root(records).hex(), "size": items, "proofs": {}},
            )
            for records in batches
        ]

    def _screenings(self, items: int, cutoff: float) -> list[dict[str, Any]]:
        dice = random.Random(f"{self._seed} screenings {items}")
        made = []
        for _ in range(_pool_size(2 * items)):
            batch = self._payments(items, dice)
            expected = {
                "root": merkle_root([canonical(payment) for payment in batch]).hex(),
                "results": [
                    {
                        "violations": broken,
                        "debtor_hits": self._hits(payment["debtor_name"], cutoff),
                        "creditor_hits": self._hits(payment["creditor_name"], cutoff),
                    }
                    for payment, broken in zip(batch, violations(batch), strict=True)
                ],
            }
            body = {"payments": batch, "cutoff": cutoff, "limit": LIMIT}
            made.append(_post("/v1/screenings", body, "screening", expected, status=201))
        return made

    def _rate_requests(self, *_: float) -> list[dict[str, Any]]:
        return [
            _get(
                f"/v1/rates?base={base}",
                "equal_json",
                {"base": base, "complete": True, "rates": self._rates[base], "missing": []},
            )
            for base in BASES
        ]


def _post(path: str, body: Any, kind: str, expected: Any, status: int = 200) -> dict[str, Any]:
    check = {"kind": kind, "status": status, "engine": True, "expected": expected}
    return {"method": "POST", "path": path, "body": json.dumps(body), "check": check}


def _get(path: str, kind: str, expected: Any) -> dict[str, Any]:
    check = {"kind": kind, "status": 200, "engine": False, "expected": expected}
    return {"method": "GET", "path": path, "body": None, "check": check}


def _pool_size(items: int) -> int:
    """Fewer of the large requests, whose answers are all kept to compare with."""
    return min(max(NAMES // items, SMALLEST_POOL), LARGEST_POOL)


def _payment(dice: random.Random, number: int, names: Sequence[str]) -> dict[str, str]:
    """Three in ten have something wrong: a digit of an IBAN, the amount, the currency."""
    home = dice.randrange(len(VALID_IBANS))
    payment = {
        "end_to_end_id": f"INV-{dice.randrange(10**8):08d}-{number}",
        "debtor_name": dice.choice(names),
        "debtor_iban": dice.choice(VALID_IBANS),
        "creditor_name": dice.choice(names),
        "creditor_iban": VALID_IBANS[home],
        "creditor_bic": BICS[home],
        "currency": dice.choice(("EUR", "USD", "GBP", "CHF")),
        "amount": f"{dice.randrange(1, 10**6)}.{dice.randrange(100):02d}",
    }
    match dice.randrange(10):
        case 0:
            digit = payment["debtor_iban"][-1]
            payment["debtor_iban"] = payment["debtor_iban"][:-1] + str((int(digit) + 1) % 10)
        case 1:
            payment["amount"] += "5"
        case 2:
            payment["currency"] = "JPY"
    return payment


def _name(dice: random.Random, entries: Sequence[Entry]) -> str:
    kind = dice.random()
    if kind >= TYPO + EXACT:
        return " ".join(
            "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).title() for _ in range(2)
        )
    name = dice.choice(entries).name
    return name if kind < EXACT else _with_typo(dice, name)


def _with_typo(dice: random.Random, name: str) -> str:
    at = dice.randrange(len(name))
    letter = dice.choice("abcdefghijklmnopqrstuvwxyz")
    return dice.choice(
        (
            name[:at] + letter + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + name[at + 1 :],
            name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :],
        )
    )
