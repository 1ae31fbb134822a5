"""The sample's users for Locust, which loadtests/locustfile.py finds here by the file's name.

It imports nothing of the service, which is not there where Locust alone is installed. `rates` needs
HOTPATH_UPSTREAMS. `mixed` is I/O (payments) beside the hot path (matches).
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from locust import tag, task

from loadtests.checked import Call, Check, CheckedUser, checked, differs, get, post

GIVEN = ("Amal", "Boris", "Carmen", "Dmitri", "Elena", "Farid", "Grace", "Hassan", "Ines", "Joao")
FAMILY = ("Andersen", "Bhatt", "Costa", "Dubois", "Eriksen", "Fofana", "Garcia", "Haddad", "Ivanov")
DEBTORS = ("DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300")
CREDITORS = (("GB29NWBK60161331926819", "NWBKGB2L"), ("CH9300762011623852957", "UBSWCHZH"))
BASES = ("EUR", "USD", "GBP", "JPY")
NAMES, PAYMENTS, RECORDS = 4, 20, 100  # of a request
POOL = 64  # different requests of a scenario
SEED = 20260101


class Made(NamedTuple):
    """A payment, and the rules that it breaks."""

    payment: dict[str, str]
    violations: list[str]


class Sample:
    """Seeded requests, the same in every process, and what must come back."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)

    def name(self) -> str:
        return f"{self._random.choice(GIVEN)} {self._random.choice(FAMILY)}"

    def payment(self, number: int, sound: bool) -> Made:
        creditor, bic = self._random.choice(CREDITORS)
        debtor, violations = self._random.choice(DEBTORS), []
        if not sound:
            # The remainder by 97 notices every single digit that is wrong.
            debtor = debtor[:-1] + str((int(debtor[-1]) + 1) % 10)
            violations.append("debtor_iban_checksum")
        return Made(
            {
                "end_to_end_id": f"INV-{self._random.randrange(10**8):08d}-{number}",
                "debtor_name": self.name(),
                "debtor_iban": debtor,
                "creditor_name": self.name(),
                "creditor_iban": creditor,
                "creditor_bic": bic,
                "currency": self._random.choice(("EUR", "USD", "GBP")),
                "amount": f"{self._random.randrange(1, 10**6)}.{self._random.randrange(100):02d}",
            },
            violations,
        )

    def payments(self) -> list[Made]:
        return [self.payment(number, self._random.random() < 0.8) for number in range(PAYMENTS)]

    def records(self) -> list[bytes]:
        return [self._random.randbytes(200) for _ in range(RECORDS)]


def merkle_root(records: list[bytes]) -> bytes:
    """Source: RFC 9162, section 2.1.1."""
    if len(records) == 1:
        return hashlib.sha256(b"\0" + records[0]).digest()
    k = 1 << (len(records) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + merkle_root(records[:k]) + merkle_root(records[k:])).digest()


def expect_matches(names: list[str]) -> Check:
    def judge(body: Any) -> str | None:
        for result in body["results"]:
            if any(not 0.9 <= hit["score"] <= 1 for hit in result["hits"]):
                return f"score of a hit of {result['name']!r}: expected 0.9 to 1"
        return differs("names", names, [result["name"] for result in body["results"]])

    return checked(200, judge)


def expect_violations(made: list[Made]) -> Check:
    expected = [payment.violations for payment in made]
    return checked(
        200,
        lambda body: differs("violations", expected, [r["violations"] for r in body["results"]]),
    )


def expect_screening(made: list[Made]) -> Check:
    canonical = [
        json.dumps(m.payment, sort_keys=True, separators=(",", ":")).encode() for m in made
    ]
    expected = [merkle_root(canonical).hex(), *(m.violations for m in made)]
    return checked(
        201,
        lambda body: differs(
            "root and violations",
            expected,
            [body["root"], *(r["violations"] for r in body["results"])],
        ),
    )


def expect_root(records: list[bytes]) -> Check:
    root = merkle_root(records).hex()
    return checked(200, lambda body: differs("root", root, body["root"]))


def expect_rates(base: str) -> Check:
    def judge(body: Any) -> str | None:
        if not body["rates"] or not body["complete"]:
            return f"rates: expected those of all sources, missing {body['missing']}"
        return differs("base", base, body["base"])

    return checked(200, judge)


@cache
def calls(host: str) -> dict[str, list[Call]]:
    """By scenario the requests, made once for all users."""
    sample = Sample()

    def pool(make: Callable[[], Call]) -> list[Call]:
        return [make() for _ in range(POOL)]

    def matches() -> Call:
        names = [sample.name() for _ in range(NAMES)]
        return post(
            host, "/v1/matches", {"names": names, "cutoff": 0.9, "limit": 5}, expect_matches(names)
        )

    def validations() -> Call:
        made = sample.payments()
        return post(
            host,
            "/v1/validations",
            {"payments": [m.payment for m in made]},
            expect_violations(made),
        )

    def seals() -> Call:
        records = sample.records()
        encoded = [base64.b64encode(record).decode() for record in records]
        return post(host, "/v1/seals", {"records": encoded}, expect_root(records))

    def screenings() -> Call:
        made = sample.payments()
        body = {"payments": [m.payment for m in made], "cutoff": 0.9, "limit": 5}
        return post(host, "/v1/screenings", body, expect_screening(made))

    def payments() -> Call:
        payment = sample.payment(1, sound=True).payment
        expected = payment | {"id": None, "created_at": None}
        return post(
            host,
            "/v1/payments",
            payment,
            checked(
                201,
                lambda body: differs(
                    "payment", expected, body | dict.fromkeys(("id", "created_at"))
                ),
            ),
        )

    return {
        "matches": pool(matches),
        "validations": pool(validations),
        "seals": pool(seals),
        "screenings": pool(screenings),
        "payments": pool(payments),
        "rates": [get(host, f"/v1/rates?base={base}", expect_rates(base)) for base in BASES],
    }


class ScreeningUser(CheckedUser):
    abstract = True

    def on_start(self) -> None:
        super().on_start()
        self.calls |= calls(self.netloc)

    @tag("matches", "mixed")
    @task
    def matches(self) -> None:
        self.call("matches")

    @tag("validations")
    @task
    def validations(self) -> None:
        self.call("validations")

    @tag("seals")
    @task
    def seals(self) -> None:
        self.call("seals")

    @tag("screenings")
    @task
    def screenings(self) -> None:
        self.call("screenings")

    @tag("payments", "mixed")
    @task
    def payments(self) -> None:
        created = self.call("payments")
        if created is None or created.status != 201:
            return
        path = created.headers["Location"]
        read = self.prepare("GET", path, name="/v1/payments/[id]")
        payment = json.loads(created.content)
        self.send(read, checked(200, lambda body: differs("payment", payment, body)))

    @tag("rates", "optional")
    @task
    def rates(self) -> None:
        self.call("rates")
