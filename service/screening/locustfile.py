"""The sample's users for Locust, which loadtests/locustfile.py finds here by the file's name.

It imports nothing of the service, which is not there where Locust alone is installed. `rates` needs
HOTPATH_UPSTREAMS. `mixed` is I/O (payments) beside the hot path (matches).
"""

from __future__ import annotations

import base64
import hashlib
import json
from random import Random
from typing import Any, NamedTuple

from locust import tag, task

from loadtests.checked import CheckedUser
from loadtests.lab.scenario import Draw, Request, Scenario, differs, equal_json, get, post

GIVEN = ("Amal", "Boris", "Carmen", "Dmitri", "Elena", "Farid", "Grace", "Hassan", "Ines", "Joao")
FAMILY = ("Andersen", "Bhatt", "Costa", "Dubois", "Eriksen", "Fofana", "Garcia", "Haddad", "Ivanov")
DEBTORS = ("DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300")
CREDITORS = (("GB29NWBK60161331926819", "NWBKGB2L"), ("CH9300762011623852957", "UBSWCHZH"))
BASES = ("EUR", "USD", "GBP", "JPY")
SEARCH = {"cutoff": 0.9, "limit": 5}
POOL = 64  # different requests of a scenario


class Made(NamedTuple):
    """A payment, and the rules that it breaks."""

    payment: dict[str, str]
    violations: list[str]


def full_name(dice: Random) -> str:
    return f"{dice.choice(GIVEN)} {dice.choice(FAMILY)}"


def made(dice: Random, number: int, sound: bool) -> Made:
    creditor, bic = dice.choice(CREDITORS)
    debtor, violations = dice.choice(DEBTORS), []
    if not sound:
        # The remainder by 97 notices every single digit that is wrong.
        debtor = debtor[:-1] + str((int(debtor[-1]) + 1) % 10)
        violations.append("debtor_iban_checksum")
    return Made(
        {
            "end_to_end_id": f"INV-{dice.randrange(10**8):08d}-{number}",
            "debtor_name": full_name(dice),
            "debtor_iban": debtor,
            "creditor_name": full_name(dice),
            "creditor_iban": creditor,
            "creditor_bic": bic,
            "currency": dice.choice(("EUR", "USD", "GBP")),
            "amount": f"{dice.randrange(1, 10**6)}.{dice.randrange(100):02d}",
        },
        violations,
    )


def batches(dice: Random, items: int) -> list[list[Made]]:
    return [
        [made(dice, number, dice.random() < 0.8) for number in range(items)] for _ in range(POOL)
    ]


def merkle_root(records: list[bytes]) -> str:
    """In hexadecimal. Source: RFC 9162, section 2.1.1."""

    def root(records: list[bytes]) -> bytes:
        if len(records) == 1:
            return hashlib.sha256(b"\0" + records[0]).digest()
        k = 1 << (len(records) - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + root(records[:k]) + root(records[k:])).digest()

    return root(records).hex()


def matches(draw: Draw, items: int, *_: object) -> list[Request]:
    dice = draw.dice("matches")
    drawn = [[full_name(dice) for _ in range(items)] for _ in range(POOL)]
    return [post("/v1/matches", {"names": names} | SEARCH, hits, names) for names in drawn]


def hits(names: list[str], body: Any) -> str | None:
    for result in body["results"]:
        if any(not 0.9 <= hit["score"] <= 1 for hit in result["hits"]):
            return f"score of a hit of {result['name']!r}: expected 0.9 to 1"
    return equal_json(names, [result["name"] for result in body["results"]])


def validations(draw: Draw, items: int, *_: object) -> list[Request]:
    return [
        post(
            "/v1/validations",
            {"payments": [one.payment for one in batch]},
            broken_rules,
            [one.violations for one in batch],
        )
        for batch in batches(draw.dice("validations"), items)
    ]


def broken_rules(expected: list[list[str]], body: Any) -> str | None:
    return equal_json(expected, [result["violations"] for result in body["results"]])


def seals(draw: Draw, items: int, *_: object) -> list[Request]:
    dice = draw.dice("seals")
    drawn = [[dice.randbytes(200) for _ in range(items)] for _ in range(POOL)]
    return [
        post(
            "/v1/seals",
            {"records": [base64.b64encode(record).decode() for record in records]},
            sealed,
            merkle_root(records),
        )
        for records in drawn
    ]


def sealed(root: str, body: Any) -> str | None:
    return None if body["root"] == root else differs("root", root, body["root"])


def screenings(draw: Draw, items: int, *_: object) -> list[Request]:
    return [
        post(
            "/v1/screenings",
            {"payments": [one.payment for one in batch]} | SEARCH,
            screened,
            [
                merkle_root([
                    json.dumps(one.payment, sort_keys=True, separators=(",", ":")).encode()
                    for one in batch
                ]),
                [one.violations for one in batch],
            ],
            status=201,
        )
        for batch in batches(draw.dice("screenings"), items)
    ]  # fmt: skip


def screened(expected: tuple[str, list[list[str]]], body: Any) -> str | None:
    root, violations = expected
    return sealed(root, body) or broken_rules(violations, body)


def payments(draw: Draw, *_: object) -> list[Request]:
    dice = draw.dice("payments")
    drawn = [made(dice, 1, sound=True).payment for _ in range(POOL)]
    return [post("/v1/payments", payment, created, payment, status=201) for payment in drawn]


def created(payment: dict[str, str], body: Any) -> str | None:
    return equal_json(payment, {name: body[name] for name in body.keys() - {"id", "created_at"}})


def rates(*_: object) -> list[Request]:
    return [get(f"/v1/rates?base={base}", complete, base) for base in BASES]


def complete(base: str, body: Any) -> str | None:
    if not body["rates"] or not body["complete"]:
        return f"rates: expected those of all sources, missing {body['missing']}"
    return None if body["base"] == base else differs("base", base, body["base"])


MATCHES = Scenario(name="matches", requests=matches, items=4)
VALIDATIONS = Scenario(name="validations", requests=validations, items=20)
SEALS = Scenario(name="seals", requests=seals, items=100)
SCREENINGS = Scenario(name="screenings", requests=screenings, items=20)
PAYMENTS = Scenario(name="payments", requests=payments)
RATES = Scenario(name="rates", requests=rates)


class ScreeningUser(CheckedUser):
    abstract = True

    @tag("matches", "mixed")
    @task
    def matches(self) -> None:
        self.call(MATCHES)

    @tag("validations")
    @task
    def validations(self) -> None:
        self.call(VALIDATIONS)

    @tag("seals")
    @task
    def seals(self) -> None:
        self.call(SEALS)

    @tag("screenings")
    @task
    def screenings(self) -> None:
        self.call(SCREENINGS)

    @tag("payments", "mixed")
    @task
    def payments(self) -> None:
        answer = self.call(PAYMENTS)
        if answer is not None and answer.status == 201:
            read = get(answer.headers["Location"], equal_json, json.loads(answer.content))
            self.ask(read, "/v1/payments/[id]")

    @tag("rates", "optional")
    @task
    def rates(self) -> None:
        self.call(RATES)
