"""validate, beside IBAN libraries, and beside parsing the same payments from JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from json import loads
from random import Random
from typing import Any

from numpy.typing import NDArray

from loadtests.bench.kernel import Call, KernelBench, Peer, Work
from service.packed import Blobs
from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import Violation, rule_tables
from service.screening.payment import Payment, columns

PAYMENTS = 1000


def draw(rng: Random, _: Any) -> Work:
    """Payments with IBANs of every country in turn; one in ten has one wrong character."""
    rules = loads(
        (files("service.screening.contract") / "payment_rules.json").read_text(encoding="utf-8")
    )
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
    return Work(made)


def records(work: Work) -> Call:
    return Call((columns(work.items), rule_tables()), len(work.items))


def ibans(work: Work) -> Call:
    """The same payments with nothing but their IBANs, and their ids: without those, all but the
    first would be duplicates, which costs more than finding none."""
    whole, empty = columns(work.items), Blobs.pack([b""] * len(work.items))
    bare = PaymentColumns(
        whole.end_to_end_id, whole.debtor_iban, whole.creditor_iban, empty, empty, empty
    )
    return Call((bare, rule_tables()), 2 * len(work.items))


def texts(work: Work) -> list[str]:
    return [iban for p in work.items for iban in (p.debtor_iban, p.creditor_iban)]


def stdnum(work: Work) -> Callable[[], list[bool]]:
    from stdnum import iban

    given = texts(work)

    def check(text: str) -> bool:
        try:
            iban.validate(text, check_country=False)
        except iban.ValidationError:
            return False
        return True

    return lambda: [check(text) for text in given]


def schwifty(work: Work) -> Callable[[], list[bool]]:
    from schwifty import IBAN

    given = texts(work)
    return lambda: [IBAN(text, allow_invalid=True).is_valid for text in given]


def expected(violations: NDArray[Any]) -> list[bool]:
    broken = [
        sum(rule for rule in Violation if (rule.name or "").startswith(side))
        for side in ("DEBTOR_IBAN", "CREDITOR_IBAN")
    ]
    return [not bits & rules for bits in violations.tolist() for rules in broken]


def verdicts_agree(verdicts: list[bool], violations: NDArray[Any], _: Work) -> bool:
    return verdicts == expected(violations)


def verdicts_agree_but_for(countries: set[str]) -> Callable[[list[bool], NDArray[Any], Work], bool]:
    def agree(verdicts: list[bool], violations: NDArray[Any], work: Work) -> bool:
        compared = zip(texts(work), verdicts, expected(violations))
        return all(iban[:2] in countries or one == other for iban, one, other in compared)

    return agree


def body(work: Work) -> bytes:
    from service.screening.routes.validations import ValidationRequest

    return ValidationRequest(payments=work.items).model_dump_json().encode()


def pydantic(work: Work) -> Callable[[], Any]:
    from service.screening.routes.validations import ValidationRequest

    sent = body(work)
    return lambda: ValidationRequest.model_validate_json(sent)


def msgspec(work: Work) -> Callable[[], Any]:
    import msgspec

    record = msgspec.defstruct("Payment", [(field, str) for field in Payment.model_fields])
    request = msgspec.defstruct("Request", [("payments", list[record])])  # type: ignore[valid-type]  # made above
    decoder = msgspec.json.Decoder(request)
    sent = body(work)
    return lambda: decoder.decode(sent)


def payments_agree(parsed: Any, _: NDArray[Any], work: Work) -> bool:
    fields = Payment.model_fields
    return [{f: getattr(p, f) for f in fields} for p in parsed.payments] == [
        payment.model_dump() for payment in work.items
    ]


VALIDATE = KernelBench(
    name="validate",
    draw=draw,
    units={"iban": ibans, "record": records},
    peers=(
        Peer(
            name="stdnum",
            package="python-stdnum",
            unit="iban",
            prepare=stdnum,
            # python-stdnum 2.2 has release 101 of the registry, before Brazil's last change.
            agrees=verdicts_agree_but_for({"BR"}),
            is_yardstick=True,
        ),
        Peer(
            name="schwifty",
            package="schwifty",
            unit="iban",
            prepare=schwifty,
            agrees=verdicts_agree,
        ),
        Peer(
            name="pydantic",
            package="pydantic",
            unit="record",
            prepare=pydantic,
            agrees=payments_agree,
        ),
        Peer(
            name="msgspec",
            package="msgspec",
            unit="record",
            prepare=msgspec,
            agrees=payments_agree,
        ),
    ),
)
