"""What is timed: one batch per kernel, the same for every implementation."""

from __future__ import annotations

import base64
import random
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from json import loads
from pathlib import Path

from service.packed import Blobs
from service.screening import watchlist
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import PaymentColumns
from service.screening.names import normalize
from service.screening.payment import Payment, columns

SEED = 20_260_101
QUERIES = 64  # names per call of screen
PAYMENTS = 1000
RECORDS = 1000
RECORD_BYTES = 200  # about a payment in JSON

KERNELS = ("screen", "validate", "seal")


@dataclass(frozen=True)
class Screening:
    names: list[str]
    queries: list[str]
    index: NameIndex
    cutoff: float


@cache
def screening(directory: Path | None, cutoff: float) -> Screening:
    """Half of the queries are list names with an edit, half words of the list put together anew."""
    rng = random.Random(SEED)
    found = watchlist.load(directory)
    names = [entry.normalized for entry in found.entries]
    words = [word for name in rng.sample(names, 500) for word in name.split()]
    queries = []
    for name in rng.sample(names, QUERIES // 2):
        place = rng.randrange(len(name))
        queries.append(normalize(name[:place] + rng.choice("aeinrst") + name[place + 1 :]))
        queries.append(normalize(" ".join(rng.sample(words, rng.choice((2, 2, 3, 3, 4))))))
    return Screening(names, queries, found.index, cutoff)


@cache
def payments() -> list[Payment]:
    """Payments with IBANs of every country in turn; one in ten has one wrong character."""
    rng = random.Random(SEED)
    rules = loads((files("service.screening.contract") / "payment_rules.json").read_text())
    countries = rules["countries"]
    currencies = list(rules["currencies"].items())

    def iban(code: str) -> str:
        alphabets = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
        alphabets["c"] = alphabets["n"] + alphabets["a"]
        bban = "".join(
            rng.choice(alphabets[kind])
            for count, kind in re.findall(r"(\d+)!([nac])", countries[code])
            for _ in range(int(count))
        )
        digits = "".join(str(int(char, 36)) for char in f"{bban}{code}00")
        text = f"{code}{98 - int(digits) % 97:02}{bban}"
        if rng.random() < 0.1:
            place = rng.randrange(4, len(text))
            text = text[:place] + rng.choice("0123456789X") + text[place + 1 :]
        return text

    codes = list(countries)
    made = []
    for number in range(PAYMENTS):
        creditor = codes[(7 * number + 3) % len(codes)]
        currency, decimals = rng.choice(currencies)
        whole = rng.randrange(1, 10**7)
        made.append(
            Payment(
                end_to_end_id=f"INV-2026-{number:06}",
                debtor_name="Zia Logistics GmbH",
                debtor_iban=iban(codes[number % len(codes)]),
                creditor_name="Jon Smyth",
                creditor_iban=iban(creditor),
                creditor_bic=f"NWBK{creditor}2L" + rng.choice(("", "XXX")),
                currency=currency,
                amount=f"{whole}.{'5' * decimals}" if decimals else str(whole),
            )
        )
    return made


def payment_columns(repeat: int) -> PaymentColumns:
    return columns(payments() * repeat)


def iban_columns(repeat: int) -> PaymentColumns:
    """The same payments with nothing but their IBANs, and their ids: without those, all but the
    first would be duplicates, which costs more than finding none."""
    whole, empty = payment_columns(repeat), Blobs.pack([b""] * PAYMENTS * repeat)
    return PaymentColumns(
        whole.end_to_end_id, whole.debtor_iban, whole.creditor_iban, empty, empty, empty
    )


@cache
def ibans() -> list[str]:
    return [iban for p in payments() for iban in (p.debtor_iban, p.creditor_iban)]


@cache
def records() -> list[bytes]:
    rng = random.Random(SEED)
    return [base64.b64encode(rng.randbytes(RECORD_BYTES * 3 // 4)) for _ in range(RECORDS)]
