"""Load on the service or the gateway, for Locust as you know it:

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000
    locust -f loadtests/locustfile.py --tags matches json --headless -u 8 -t 30s --host ...

Every scenario has a tag. Those that need nothing but the service run by default;
`json`, `db` and `queries` need HOTPATH_BENCH_ROUTES=true, and `rates` needs
HOTPATH_UPSTREAMS. `mixed` is I/O (payments) beside the hot path (matches).

Users send requests back to back: a closed model, in which each waits for its answer and
a slow server is sent less. For latency at a given rate, and to compare variants, use
`hotpath lab run`. Every answer is checked; a wrong one is a failure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import gevent
import locust.stats
from locust import constant, events, tag, task

from loadtests.users import Answer, LeanHttpUser, Prepared, prepare

DEFAULT_TAGS = ("matches", "validations", "seals", "screenings", "payments")
GIVEN = ("Amal", "Boris", "Carmen", "Dmitri", "Elena", "Farid", "Grace", "Hassan", "Ines", "Joao")
FAMILY = ("Andersen", "Bhatt", "Costa", "Dubois", "Eriksen", "Fofana", "Garcia", "Haddad", "Ivanov")
DEBTORS = ("DE89370400440532013000", "FR1420041010050500013M02606", "NL91ABNA0417164300")
CREDITORS = (("GB29NWBK60161331926819", "NWBKGB2L"), ("CH9300762011623852957", "UBSWCHZH"))
BASES = ("EUR", "USD", "GBP", "JPY")
NAMES, PAYMENTS, RECORDS, ROWS = 4, 20, 100, 20  # of a request
POOL = 64  # different requests of a scenario
SEED = 20260101
HELLO = {"message": "Hello, World!"}
HIGHEST_ROW = 10_000

Check = Callable[[Answer], str | None]
Call = tuple[Prepared, Check]


# Locust keeps response times to two digits, and to 1 ms below 100 ms: too coarse to tell
# fast servers apart. Three digits are kept instead, in at most 900 buckets per power of ten.
def three_digits(response_time: float) -> float:
    return float(f"{response_time:.3g}")


# The documented hook is typed for whole numbers; any number serves as a key.
locust.stats.bucket_response_time = three_digits  # type: ignore[assignment]


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust types none of its events
def choose_tags(environment: Any, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and not options.tags and not options.exclude_tags:
        options.tags = list(DEFAULT_TAGS)


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust types none of its events
def set_the_clock(**_: Any) -> None:
    """The event loop's clock stood still while modules were imported, and Locust's
    --run-time would be shorter by as much."""
    gevent.get_hub().loop.update_now()


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


def checked(status: int, judge: Callable[[Any], str | None]) -> Check:
    """judge: what is wrong with the decoded body, or None; it may fail on a body of another
    shape."""

    def check(answer: Answer) -> str | None:
        if answer.status != status:
            shown = answer.content[:200].decode(errors="replace")
            return f"status: expected {status}, got {answer.status}: {shown}"
        try:
            return judge(json.loads(answer.content))
        except (ValueError, KeyError, TypeError) as error:
            return f"body: expected another shape, got {answer.content[:200]!r} ({error!r})"

    return check


def differs(what: str, expected: Any, got: Any) -> str | None:
    return None if got == expected else f"{what}: expected {expected!r:.200}, got {got!r:.200}"


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


def row_fault(row: Mapping[str, int]) -> str | None:
    sound = 1 <= row["id"] <= HIGHEST_ROW and 1 <= row["randomNumber"] <= HIGHEST_ROW
    return None if sound else f"row: expected numbers from 1 to {HIGHEST_ROW}, got {row}"


def rows_fault(rows: list[Mapping[str, int]]) -> str | None:
    return differs("rows", ROWS, len(rows)) or next(filter(None, map(row_fault, rows)), None)


@cache
def calls(host: str) -> dict[str, list[Call]]:
    """By scenario the requests, made once for all users."""
    sample = Sample()

    def get(path: str, check: Check) -> Call:
        return prepare("GET", path, host, name=path.partition("?")[0]), check

    def post(path: str, body: Any, check: Check) -> Call:
        return prepare("POST", path, host, json.dumps(body)), check

    def pool(make: Callable[[], Call]) -> list[Call]:
        return [make() for _ in range(POOL)]

    def matches() -> Call:
        names = [sample.name() for _ in range(NAMES)]
        return post(
            "/v1/matches", {"names": names, "cutoff": 0.9, "limit": 5}, expect_matches(names)
        )

    def validations() -> Call:
        made = sample.payments()
        return post(
            "/v1/validations", {"payments": [m.payment for m in made]}, expect_violations(made)
        )

    def seals() -> Call:
        records = sample.records()
        encoded = [base64.b64encode(record).decode() for record in records]
        return post("/v1/seals", {"records": encoded}, expect_root(records))

    def screenings() -> Call:
        made = sample.payments()
        body = {"payments": [m.payment for m in made], "cutoff": 0.9, "limit": 5}
        return post("/v1/screenings", body, expect_screening(made))

    def payments() -> Call:
        payment = sample.payment(1, sound=True).payment
        expected = payment | {"id": None, "created_at": None}
        return post(
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
        "json": [get("/bench/json", checked(200, lambda body: differs("body", HELLO, body)))],
        "db": [get("/bench/db", checked(200, row_fault))],
        "queries": [get(f"/bench/queries?queries={ROWS}", checked(200, rows_fault))],
        "rates": [get(f"/v1/rates?base={base}", expect_rates(base)) for base in BASES],
    }


class ServiceUser(LeanHttpUser):
    wait_time = constant(0)

    def on_start(self) -> None:
        self.calls = calls(self.netloc)

    def call(self, scenario: str) -> Answer | None:
        request, check = random.choice(self.calls[scenario])
        return self.send(request, check)

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

    @tag("json")
    @task
    def bench_json(self) -> None:
        self.call("json")

    @tag("db")
    @task
    def bench_db(self) -> None:
        self.call("db")

    @tag("queries")
    @task
    def bench_queries(self) -> None:
        self.call("queries")

    @tag("rates")
    @task
    def rates(self) -> None:
        self.call("rates")
