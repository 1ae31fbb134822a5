"""The reference engine: pure Python, as the definition reads. The oracle of the tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs, CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import (
    BONUS_THRESHOLD,
    PREFIX_LENGTH,
    PREFIX_WEIGHT,
    Hits,
    PaymentColumns,
)
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


def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    names = CodePoints(index.offsets, index.data).texts()
    rows = np.full((len(queries), limit), -1, dtype=np.int32)
    scores = np.zeros((len(queries), limit))
    for q, query in enumerate(queries.texts()):
        scored = ((jaro_winkler(query, name), int(row)) for name, row in zip(names, index.rows))
        hits = sorted((-score, row) for score, row in scored if score >= cutoff)[:limit]
        for place, (negative, row) in enumerate(hits):
            rows[q, place] = row
            scores[q, place] = -negative
    return rows, scores


def jaro_winkler(a: str, b: str) -> float:
    if not a and not b:
        return 1.0
    window = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(a)
    matched_b = []
    for j, char in enumerate(b):
        for i in range(max(0, j - window), min(len(a), j + window + 1)):
            if not taken[i] and a[i] == char:
                taken[i] = True
                matched_b.append(char)
                break
    m = len(matched_b)
    if m == 0:
        return 0.0
    matched_a = [char for char, hit in zip(a, taken) if hit]
    t = sum(x != y for x, y in zip(matched_a, matched_b)) // 2
    s = m / len(a)
    s += m / len(b)
    s += (m - t) / m
    s /= 3
    if s > BONUS_THRESHOLD:
        prefix = 0
        while prefix < min(PREFIX_LENGTH, len(a), len(b)) and a[prefix] == b[prefix]:
            prefix += 1
        s += prefix * PREFIX_WEIGHT * (1 - s)
    return s


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


def seal(records: Blobs) -> bytes:
    return tree_hash(records.items())


def prove(records: Blobs, places: NDArray[np.int32]) -> list[bytes]:
    leaves = records.items()
    return [b"".join(path(place, leaves)) for place in places.tolist()]


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1."""
    n = len(leaves)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return leaf_hash(leaves[0])
    k = split(n)
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1."""
    n = len(leaves)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(m - k, leaves[k:]), tree_hash(leaves[:k])]


def leaf_hash(record: bytes) -> bytes:
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(n: int) -> int:
    """The largest power of two below n; n is 2 at least."""
    return 1 << (n - 1).bit_length() - 1
