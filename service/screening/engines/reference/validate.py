"""`validate`, as the rules read."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import (
    DIGIT,
    END_TO_END_ID_CHARACTERS,
    LETTER,
    MAX_AMOUNT_MINOR,
    UNKNOWN,
    RuleTables,
    Violation,
    letters_number,
)


def validate(payments: PaymentColumns, rules: RuleTables) -> NDArray[np.uint32]:
    found = []
    earlier: set[bytes] = set()
    for end_to_end_id, debtor_iban, creditor_iban, bic, currency, amount in zip(
        payments.end_to_end_id.items(),
        payments.debtor_iban.items(),
        payments.creditor_iban.items(),
        payments.creditor_bic.items(),
        payments.currency.items(),
        payments.amount.items(),
    ):
        broken = bic_violation(bic, creditor_iban, rules)
        broken |= amount_violation(amount, currency, rules)
        if fault := iban_fault(debtor_iban, rules):
            broken |= Violation[f"DEBTOR_IBAN_{fault}"]
        if fault := iban_fault(creditor_iban, rules):
            broken |= Violation[f"CREDITOR_IBAN_{fault}"]
        if not (
            1 <= len(end_to_end_id) <= 35
            and all(char in END_TO_END_ID_CHARACTERS for char in end_to_end_id)
        ):
            broken |= Violation.END_TO_END_ID_FORMAT
        if end_to_end_id in earlier:
            broken |= Violation.END_TO_END_ID_DUPLICATE
        earlier.add(end_to_end_id)
        found.append(broken)
    return np.array(found, dtype=np.uint32)


def iban_fault(iban: bytes, rules: RuleTables) -> str | None:
    """The rule that the IBAN breaks, as Violation names it."""
    place = country_place(iban[:2], rules)
    if place is None:
        return "COUNTRY"
    if len(iban) != rules.length[place]:
        return "LENGTH"
    check_digits, bban = iban[2:4], iban[4:]
    if not (check_digits.isdigit() and 2 <= int(check_digits) <= 98):
        return "STRUCTURE"
    if not all(char_class(char) & allowed for char, allowed in zip(bban, rules.classes[place])):
        return "STRUCTURE"
    moved = (bban + iban[:4]).decode()
    if int("".join(str(int(char, 36)) for char in moved)) % 97 != 1:
        return "CHECKSUM"
    return None


def country_place(code: bytes, rules: RuleTables) -> int | None:
    """The place in the rules' tables of a country that has IBANs."""
    if not re.fullmatch(rb"[A-Z]{2}", code):
        return None
    place = int(rules.country[letters_number(code.decode())])
    return None if place == UNKNOWN else place


def char_class(char: int) -> int:
    if ord("0") <= char <= ord("9"):
        return DIGIT
    if ord("A") <= char <= ord("Z"):
        return LETTER
    return 0


def bic_violation(bic: bytes, creditor_iban: bytes, rules: RuleTables) -> Violation:
    if not re.fullmatch(rb"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", bic):
        return Violation.CREDITOR_BIC_STRUCTURE
    iban_country = creditor_iban[:2]
    if country_place(iban_country, rules) is None:
        return Violation(0)
    home = rules.home[letters_number(bic[4:6].decode())]
    if home != letters_number(iban_country.decode()):
        return Violation.CREDITOR_BIC_COUNTRY
    return Violation(0)


def amount_violation(amount: bytes, currency: bytes, rules: RuleTables) -> Violation:
    """What is wrong with the amount or its currency."""
    broken = Violation(0)
    decimals = currency_decimals(currency, rules)
    if decimals is None:
        broken |= Violation.CURRENCY_UNKNOWN
    match = re.fullmatch(rb"([0-9]{1,18})(\.([0-9]{1,5}))?", amount)
    if not match or len(amount.replace(b".", b"")) > 18:
        return broken | Violation.AMOUNT_FORMAT
    if decimals is None:
        return broken
    whole, fraction = match[1], match[3] or b""
    if len(fraction) > decimals:
        return Violation.AMOUNT_MINOR_UNITS
    minor = int(whole) * 10**decimals + int(fraction.ljust(decimals, b"0") or b"0")
    return Violation(0) if 1 <= minor <= MAX_AMOUNT_MINOR else Violation.AMOUNT_RANGE


def currency_decimals(code: bytes, rules: RuleTables) -> int | None:
    if not re.fullmatch(rb"[A-Z]{3}", code):
        return None
    decimals = int(rules.minor_units[letters_number(code.decode())])
    return None if decimals == UNKNOWN else decimals
