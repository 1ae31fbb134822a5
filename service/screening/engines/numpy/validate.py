"""`validate` of the numpy engine.

A column becomes a matrix of bytes, [width, n]: row j holds the byte j of each item, 0 behind
its end. A rule is then a few operations on rows.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from service.packed import Blobs
from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import (
    DIGIT,
    END_TO_END_ID_CHARACTERS,
    LETTER,
    MAX_AMOUNT_MINOR,
    MAX_BBAN,
    UNKNOWN,
    RuleTables,
    Violation,
)

_DEBTOR_TO_CREDITOR = np.uint32(16)  # makes a debtor's bits the creditor's
_MAX_ID = 35
_MAX_DIGITS, _MAX_DECIMALS = 18, 5
_NO_CODE = -1


def _by_byte(values: dict[int, int]) -> bytes:
    return bytes(values.get(byte, 0) for byte in range(256))


def _look_up_bytes(table: bytes, text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """table[text], at a tenth of what an array of indices costs."""
    return np.frombuffer(text.tobytes().translate(table), np.uint8).reshape(text.shape)


_DIGITS, _LETTERS = range(ord("0"), ord("9") + 1), range(ord("A"), ord("Z") + 1)
_KIND = _by_byte(dict.fromkeys(_DIGITS, DIGIT) | dict.fromkeys(_LETTERS, LETTER))
_VALUE = _by_byte({byte: value for value, byte in enumerate(chain(_DIGITS, _LETTERS))})
_KIND_BITS = 6  # values are below 36, so that one byte holds a kind above a value
_BOTH = bytes(kind << _KIND_BITS | value for kind, value in zip(_KIND, _VALUE))
_IN_ID = _by_byte(dict.fromkeys(END_TO_END_ID_CHARACTERS, 1))
_HASH_FACTORS = np.random.default_rng(9).integers(2**64, size=5, dtype=np.uint64) | np.uint64(1)


def validate(payments: PaymentColumns, rules: RuleTables) -> NDArray[np.uint32]:
    n = len(payments)
    ibans, country = _ibans(_joined(payments.debtor_iban, payments.creditor_iban), rules)
    return (
        ibans[:n]
        | ibans[n:] * _DEBTOR_TO_CREDITOR
        | _bics(payments.creditor_bic, country[n:], rules)
        | _amounts(payments.amount, payments.currency, rules)
        | _ids(payments.end_to_end_id)
    )


def _joined(first: Blobs, second: Blobs) -> Blobs:
    offsets = np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]])
    return Blobs(offsets, np.concatenate([first.data, second.data]))


def _matrix(column: Blobs, width: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The items' bytes as far as they go in, uint8[width, n], and their full lengths."""
    lengths: NDArray[np.int32] = np.diff(column.offsets)
    data = np.append(column.data, np.zeros(width, dtype=np.uint8))
    # An element is the `width` bytes from a place on: elements overlap, as strides allow.
    rows = np.ndarray(len(column.data) + 1, f"V{width}", data, strides=(1,))[column.offsets[:-1]]
    matrix = rows.view(np.uint8).reshape(-1, width).T.copy()
    bounds = np.minimum(lengths, width).astype(np.uint8)  # bytes compare fastest
    matrix *= np.arange(width, dtype=np.uint8)[:, None] < bounds
    return matrix, lengths


def _flags(rule: Violation, is_broken: NDArray[np.bool_]) -> NDArray[np.uint32]:
    return is_broken.astype(np.uint32) * np.uint32(rule)


def _letters_number(text: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Of each column its letters as a number to the base 26, or _NO_CODE for other bytes."""
    number = np.zeros(text.shape[1], dtype=np.int32)
    for letter in text:
        number *= 26
        number += letter
        number -= ord("A")
    number[(_look_up_bytes(_KIND, text) != LETTER).any(axis=0)] = _NO_CODE
    return number


def _look_up(table: NDArray[np.uint8], number: NDArray[np.int32], other: int) -> NDArray[np.uint8]:
    return np.append(table, np.uint8(other)).take(number)  # _NO_CODE is the last


def _ibans(column: Blobs, rules: RuleTables) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """The debtor's bits, and the number of the country or _NO_CODE where it has no IBANs."""
    text, lengths = _matrix(column, 4 + MAX_BBAN)
    country = _letters_number(text[:2])
    place = _look_up(rules.country, country, UNKNOWN)
    country[place == UNKNOWN] = _NO_CODE
    wanted = rules.classes.take(place, axis=0, mode="clip").T.copy()
    both = _look_up_bytes(_BOTH, text)
    kind, value = both >> _KIND_BITS, both & ((1 << _KIND_BITS) - 1)
    is_right = (kind[4:] & wanted != 0) == (wanted != 0)
    is_right[0] &= (kind[2] == DIGIT) & (kind[3] == DIGIT)
    check_digits = 10 * value[2] + value[3]
    is_right[0] &= (check_digits >= 2) & (check_digits <= 98)
    remainder = _mod_97(*(np.concatenate([rows[4:], rows[:4]]) for rows in (kind, value)))
    broken = np.select(
        [
            country == _NO_CODE,
            lengths != rules.length.take(place, mode="clip"),
            ~is_right.all(axis=0),
            remainder != 1,
        ],
        [
            np.uint32(Violation.DEBTOR_IBAN_COUNTRY),
            np.uint32(Violation.DEBTOR_IBAN_LENGTH),
            np.uint32(Violation.DEBTOR_IBAN_STRUCTURE),
            np.uint32(Violation.DEBTOR_IBAN_CHECKSUM),
        ],
        np.uint32(0),
    )
    return broken, country


def _mod_97(kind: NDArray[np.uint8], value: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Of each column its number's remainder; rows behind an item's end change nothing.

    Appending a digit is times 10 plus its value, a letter times 100. Pairs of rows fit into
    16 bits, and a remainder with four pairs behind it into 63.
    """
    scale = np.uint8(1) + np.uint8(9) * (kind == DIGIT) + np.uint8(99) * (kind == LETTER)
    pair_scales = np.multiply(scale[0::2], scale[1::2], dtype=np.uint16)
    pair_values = np.multiply(value[0::2], scale[1::2], dtype=np.uint16) + value[1::2]
    remainder = np.zeros(kind.shape[1], dtype=np.int64)
    for start in range(0, len(pair_values), 4):
        part = slice(start, start + 4)
        for row_scale, row_value in zip(
            pair_scales[part].astype(np.int64), pair_values[part].astype(np.int64)
        ):
            remainder *= row_scale
            remainder += row_value
        remainder %= 97
    return remainder


def _bics(column: Blobs, iban_country: NDArray[np.int32], rules: RuleTables) -> NDArray[np.uint32]:
    text, lengths = _matrix(column, 11)
    country = _letters_number(text[4:6])
    is_alphanumeric = _look_up_bytes(_KIND, text) != 0
    is_right = (lengths == 8) | (lengths == 11) & is_alphanumeric[8:].all(axis=0)
    is_right &= is_alphanumeric[:8].all(axis=0) & (country != _NO_CODE)
    is_foreign = rules.home.take(country, mode="clip") != iban_country
    is_foreign &= is_right & (iban_country != _NO_CODE)
    return _flags(Violation.CREDITOR_BIC_STRUCTURE, ~is_right) | _flags(
        Violation.CREDITOR_BIC_COUNTRY, is_foreign
    )


def _amounts(amounts: Blobs, currencies: Blobs, rules: RuleTables) -> NDArray[np.uint32]:
    code, code_lengths = _matrix(currencies, 3)
    units = _look_up(rules.minor_units, _letters_number(code), UNKNOWN)
    units[code_lengths != 3] = UNKNOWN
    is_known = units != UNKNOWN

    text, lengths = _matrix(amounts, _MAX_DIGITS + 1)
    is_point, is_digit = text == ord("."), _look_up_bytes(_KIND, text) == DIGIT
    points = is_point.sum(axis=0, dtype=np.uint8).astype(np.int32)
    digits = is_digit.sum(axis=0, dtype=np.uint8).astype(np.int32)
    whole = np.where(points == 1, is_point.argmax(axis=0), lengths)
    decimals = digits - whole
    is_right = (digits + points == lengths) & (digits <= _MAX_DIGITS)
    # Two points leave fewer decimals than points.
    is_right &= (whole >= 1) & (decimals >= points) & (decimals <= _MAX_DECIMALS)
    is_judged = is_right & is_known
    has_too_many = is_judged & (decimals > units)

    amount = np.zeros(len(lengths), dtype=np.int64)
    for row, scale in zip(_look_up_bytes(_VALUE, text), np.where(is_digit, 10, 1)):
        amount *= scale
        amount += row
    # The missing decimals would overflow the amount; they are taken off the limit instead.
    missing = np.where(is_judged & ~has_too_many, units - decimals, 0)
    is_outside = (amount < 1) | (amount > MAX_AMOUNT_MINOR // 10 ** missing.astype(np.int64))
    return (
        _flags(Violation.CURRENCY_UNKNOWN, ~is_known)
        | _flags(Violation.AMOUNT_FORMAT, ~is_right)
        | _flags(Violation.AMOUNT_MINOR_UNITS, has_too_many)
        | _flags(Violation.AMOUNT_RANGE, is_judged & ~has_too_many & is_outside)
    )


def _ids(column: Blobs) -> NDArray[np.uint32]:
    width = 8 * len(_HASH_FACTORS)  # whole words; more than a valid id has bytes
    text, lengths = _matrix(column, width)
    is_right = (lengths >= 1) & (lengths <= _MAX_ID)
    is_right &= _look_up_bytes(_IN_ID, text).sum(axis=0, dtype=np.uint8) == lengths
    words = np.ascontiguousarray(text.T).view("<u8")
    hashes = (words * _HASH_FACTORS).sum(axis=1)
    is_duplicate = np.zeros(len(lengths), dtype=bool)
    ordered = np.sort(hashes)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    suspects = np.flatnonzero(np.isin(hashes, shared)).tolist() if len(shared) else []
    # Equal hashes make no more than suspects: they may collide, and know 40 bytes of an item.
    earlier: set[bytes] = set()
    for place in suspects:
        item = column.data[column.offsets[place] : column.offsets[place + 1]].tobytes()
        is_duplicate[place] = item in earlier
        earlier.add(item)
    return _flags(Violation.END_TO_END_ID_FORMAT, ~is_right) | _flags(
        Violation.END_TO_END_ID_DUPLICATE, is_duplicate
    )
