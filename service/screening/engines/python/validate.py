"""`validate` of the python engine.

What is idiomatic here: `re`, `int`, `bytes.translate` and slices run in the interpreter's C
code, so a format is one compiled expression and mod 97 is one conversion.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby, pairwise, product
from string import ascii_uppercase
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs
from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import (
    DIGIT,
    LETTER,
    MAX_AMOUNT_MINOR,
    UNKNOWN,
    RuleTables,
    Violation,
)

_Match: TypeAlias = Callable[..., re.Match[bytes] | None]

# Plain integers: the operators of an IntFlag are fifty times as slow.
_IBAN_COUNTRY = int(Violation.DEBTOR_IBAN_COUNTRY)
_IBAN_LENGTH = int(Violation.DEBTOR_IBAN_LENGTH)
_IBAN_STRUCTURE = int(Violation.DEBTOR_IBAN_STRUCTURE)
_IBAN_CHECKSUM = int(Violation.DEBTOR_IBAN_CHECKSUM)
_DEBTOR_TO_CREDITOR = 4  # bits from a debtor's rule to the creditor's
_BIC_STRUCTURE = int(Violation.CREDITOR_BIC_STRUCTURE)
_BIC_COUNTRY = int(Violation.CREDITOR_BIC_COUNTRY)
_CURRENCY_UNKNOWN = int(Violation.CURRENCY_UNKNOWN)
_AMOUNT_FORMAT = int(Violation.AMOUNT_FORMAT)
_AMOUNT_MINOR_UNITS = int(Violation.AMOUNT_MINOR_UNITS)
_AMOUNT_RANGE = int(Violation.AMOUNT_RANGE)
_ID_FORMAT = int(Violation.END_TO_END_ID_FORMAT)
_ID_DUPLICATE = int(Violation.END_TO_END_ID_DUPLICATE)

_CLASSES = {DIGIT: "[0-9]", LETTER: "[A-Z]", DIGIT | LETTER: "[A-Z0-9]"}
_BIC = re.compile(rb"[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?").fullmatch
_AMOUNT = re.compile(rb"(?!.{20})([0-9]{1,18})(?:\.([0-9]{1,5}))?").fullmatch
_ID = re.compile(rb"[A-Za-z0-9/\-?:().,'+ ]{1,35}").fullmatch

# Each character of an IBAN as two characters of a number: A is 10, B is 11, and 7 is _7, as
# Python's numbers may hold an underscore before a digit.
_FIRST = bytes(ord(str(c - 55)[0]) if 65 <= c <= 90 else ord("_") for c in range(256))
_SECOND = bytes(ord(str(c - 55)[1]) if 65 <= c <= 90 else c for c in range(256))


class _Tables(NamedTuple):
    ibans: dict[bytes, tuple[int, _Match]]  # a country's length and its structure
    homes: dict[bytes, bytes]  # the home country of a BIC's country
    decimals: dict[bytes, int]


def validate(payments: PaymentColumns, rules: RuleTables) -> NDArray[np.uint32]:
    tables = _tables(rules)
    columns = (
        _ids(payments.end_to_end_id.items()),
        _ibans(payments.debtor_iban, tables),
        [bits << _DEBTOR_TO_CREDITOR for bits in _ibans(payments.creditor_iban, tables)],
        _bics(payments.creditor_bic.items(), payments.creditor_iban.items(), tables),
        _amounts(payments.amount.items(), payments.currency.items(), tables),
    )
    # The columns' bits are disjoint: their sum is their union.
    return np.array(list(map(sum, zip(*columns))), dtype=np.uint32)


@lru_cache(maxsize=2)
def _tables(rules: RuleTables) -> _Tables:
    ibans = {}
    for code, place in zip(_codes(2), rules.country.tolist()):
        if place == UNKNOWN:
            continue
        bban = rules.classes[place].tolist()
        runs = [(kind, len(list(run))) for kind, run in groupby(bban) if kind]
        structure = "".join(f"{_CLASSES[kind]}{{{length}}}" for kind, length in runs)
        whole = f"{code.decode()}(?:0[2-9]|[1-8][0-9]|9[0-8]){structure}"
        ibans[code] = (int(rules.length[place]), re.compile(whole.encode()).fullmatch)
    decimals = zip(_codes(3), rules.minor_units.tolist())
    return _Tables(
        ibans,
        dict(zip(_codes(2), map(_codes(2).__getitem__, rules.home.tolist()))),
        {code: places for code, places in decimals if places != UNKNOWN},
    )


def _codes(length: int) -> list[bytes]:
    """The codes of so many letters, each at its number."""
    return ["".join(code).encode() for code in product(ascii_uppercase, repeat=length)]


def _ibans(ibans: Blobs, tables: _Tables) -> list[int]:
    data = ibans.data.tobytes()
    pairs = bytearray(2 * len(data))
    pairs[::2] = data.translate(_FIRST)
    pairs[1::2] = data.translate(_SECOND)
    numbers = bytes(pairs)  # slices of bytes are cheaper
    found = []
    for start, end in pairwise(ibans.offsets.tolist()):
        known = tables.ibans.get(data[start : start + 2]) if end - start >= 2 else None
        if known is None:
            found.append(_IBAN_COUNTRY)
        elif end - start != known[0]:
            found.append(_IBAN_LENGTH)
        elif not known[1](data, start, end):
            found.append(_IBAN_STRUCTURE)
        else:
            bban, head = numbers[2 * start + 8 : 2 * end], numbers[2 * start : 2 * start + 8]
            found.append(0 if int(b"0" + bban + head) % 97 == 1 else _IBAN_CHECKSUM)
    return found


def _bics(bics: list[bytes], ibans: list[bytes], tables: _Tables) -> list[int]:
    found = []
    for bic, iban in zip(bics, ibans):
        match = _BIC(bic)
        if not match:
            found.append(_BIC_STRUCTURE)
            continue
        code, country = match[1], iban[:2]
        is_foreign = tables.homes[code] != country and country in tables.ibans
        found.append(_BIC_COUNTRY if is_foreign else 0)
    return found


def _amounts(amounts: list[bytes], currencies: list[bytes], tables: _Tables) -> list[int]:
    found = []
    for amount, currency in zip(amounts, currencies):
        match = _AMOUNT(amount)
        decimals = tables.decimals.get(currency)
        bits = 0 if match else _AMOUNT_FORMAT
        if decimals is None:
            bits |= _CURRENCY_UNKNOWN
        elif match:
            whole, fraction = match.groups(b"")
            if len(fraction) > decimals:
                bits = _AMOUNT_MINOR_UNITS
            elif not 1 <= int(whole + fraction.ljust(decimals, b"0")) <= MAX_AMOUNT_MINOR:
                bits = _AMOUNT_RANGE
        found.append(bits)
    return found


def _ids(ids: list[bytes]) -> list[int]:
    found = [0 if _ID(end_to_end_id) else _ID_FORMAT for end_to_end_id in ids]
    if len(set(ids)) < len(ids):
        earlier = set()
        for place, end_to_end_id in enumerate(ids):
            if end_to_end_id in earlier:
                found[place] |= _ID_DUPLICATE
            earlier.add(end_to_end_id)
    return found
