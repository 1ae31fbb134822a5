"""What the requests are drawn from: names like those of the list, and payments between them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from loadtests.lab.scenario import Draw
from service.screening.names import normalize
from service.screening.scenarios.oracles import Entry, Found, brute_force

TYPO, EXACT = 0.4, 0.2  # shares of the names; the rest is unrelated to the list
SYLLABLES = ("an", "bel", "cor", "da", "el", "fi", "gor", "hu", "is", "ka", "lo", "mir", "no")
NAMES = 2048  # different ones, of which all requests are made
LARGEST_POOL, SMALLEST_POOL = 256, 8  # requests
CUTOFF, LIMIT = 0.9, 5
CUTOFFS = (0.95, 0.9, 0.8)  # from the least work to the most
VALID_IBANS = (  # the examples of ISO 13616's registry
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "CH9300762011623852957",
)
BICS = ("DEUTDEFF", "NWBKGB2L", "BNPAFRPP", "ABNANL2A", "UBSWCHZH")


@dataclass
class ScreeningDraw(Draw):
    """entries, index: of the watchlist. rates: what the upstreams answer, by base."""

    entries: Sequence[Entry]
    index: Any = None
    rates: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        dice = self.dice("names")
        return [_name(dice, self.entries) for _ in range(NAMES)]

    @cached_property
    def _found(self) -> dict[str, list[Found]]:
        """By name all hits that any cutoff could ask for. Those of a higher cutoff are the
        first ones of a lower cutoff's, so one pass over the list serves all."""
        distinct = list(dict.fromkeys(self.names))
        queries = [normalize(name) for name in distinct]
        found = brute_force(queries, self.entries, min(CUTOFFS), LIMIT)
        return dict(zip(distinct, found, strict=True))

    def hits(self, name: str, cutoff: float) -> list[Found]:
        assert cutoff >= min(CUTOFFS)
        return [hit for hit in self._found[name] if hit[1] >= cutoff]

    def payments(self, items: int, dice: random.Random) -> list[dict[str, str]]:
        return [_payment(dice, number, self.names) for number in range(items)]


def pool_size(items: int) -> int:
    """As many requests as the names give, but fewer of the large ones, whose answers are all
    kept to compare with."""
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
