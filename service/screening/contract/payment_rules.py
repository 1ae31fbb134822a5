"""What makes a payment valid: the rules by name and bit, and their tables for the engines.

The tables come from payment_rules.json, the one place that knows countries and currencies.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

MAX_BBAN = 30  # ISO 13616: at most 34 characters with country and check digits
DIGIT, LETTER = 1, 2  # what a place of a BBAN may hold, as bits; upper-case letters only
UNKNOWN = 255


class Violation(IntFlag):
    """One bit a rule; a valid payment has none but WARNINGS.

    Per IBAN at most one bit is set: the first of country, length, structure, checksum that fails.
    An IBAN is in electronic format.
    """

    DEBTOR_IBAN_COUNTRY = 1 << 0  # the first two bytes name no country of the table
    DEBTOR_IBAN_LENGTH = 1 << 1  # not as long as the country's IBANs
    DEBTOR_IBAN_STRUCTURE = 1 << 2  # check digits not 02 to 98, or a wrong class of character
    DEBTOR_IBAN_CHECKSUM = 1 << 3  # ISO 7064 MOD 97-10 does not leave 1
    CREDITOR_IBAN_COUNTRY = 1 << 4
    CREDITOR_IBAN_LENGTH = 1 << 5
    CREDITOR_IBAN_STRUCTURE = 1 << 6
    CREDITOR_IBAN_CHECKSUM = 1 << 7
    CREDITOR_BIC_STRUCTURE = 1 << 8  # not [A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?
    # The BIC's country (its home country, for territories) is not that of the creditor's IBAN.
    # Judged where the BIC's structure is right and the IBAN's country is known.
    CREDITOR_BIC_COUNTRY = 1 << 9
    CURRENCY_UNKNOWN = 1 << 10  # no currency of payment in ISO 4217
    AMOUNT_FORMAT = 1 << 11  # not [0-9]{1,18} or [0-9]{1,18}.[0-9]{1,5}, or over 18 digits in all
    # Judged where the amount's format is right and the currency is known:
    AMOUNT_MINOR_UNITS = 1 << 12  # more decimals than the currency has; zeros count
    AMOUNT_RANGE = 1 << 13  # not 1 to 10**15 - 1 minor units; judged where the decimals are right
    # Not 1 to 35 of the characters A-Z a-z 0-9 / - ? : ( ) . , ' + space:
    END_TO_END_ID_FORMAT = 1 << 14
    # An earlier payment of the batch has the same bytes, whatever their format:
    END_TO_END_ID_DUPLICATE = 1 << 15


WARNINGS = Violation.CREDITOR_BIC_COUNTRY
"""Rules that a good payment may break, as some banks' own published pairs of IBAN and BIC do: a
Belgian BIC holds Hungarian accounts. They are told, and refuse nothing."""

MAX_AMOUNT_MINOR = 10**15 - 1
END_TO_END_ID_CHARACTERS = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ "
)


@dataclass(frozen=True, slots=True, eq=False)
class RuleTables:
    """The rules as arrays. A country code XY has the number 26 * (X - 'A') + (Y - 'A').

    country: uint8[676], the place of a country code in the next two, UNKNOWN (255) if none.
    length: uint8[c], of a whole IBAN.
    classes: uint8[c, 30], per place of the BBAN the OR of DIGIT (1) and LETTER (2); 0 behind
        its end.
    home: uint16[676], the country code's number of a BIC country's home country.
    minor_units: uint8[17576], decimals of currency XYZ at 676 * X + 26 * Y + Z, UNKNOWN
        (255) if none.
    version: lower-case hex SHA-256 of payment_rules.json.
    """

    country: NDArray[np.uint8]
    length: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    home: NDArray[np.uint16]
    minor_units: NDArray[np.uint8]
    version: str


@cache
def rule_tables() -> RuleTables:
    content = (files("service.screening.contract") / "payment_rules.json").read_bytes()
    rules = json.loads(content)
    countries = rules["countries"]
    country = np.full(676, UNKNOWN, dtype=np.uint8)
    length = np.zeros(len(countries), dtype=np.uint8)
    classes = np.zeros((len(countries), MAX_BBAN), dtype=np.uint8)
    for place, (code, structure) in enumerate(countries.items()):
        bban = b"".join(
            bytes([{"n": DIGIT, "a": LETTER, "c": DIGIT | LETTER}[kind]]) * int(count)
            for count, kind in re.findall(r"(\d+)!([nac])", structure)
        )
        country[letters_number(code)] = place
        length[place] = 4 + len(bban)
        classes[place, : len(bban)] = list(bban)
    home = np.arange(676, dtype="<u2")
    for territory, code in rules["bic_territories"].items():
        home[letters_number(territory)] = letters_number(code)
    minor_units = np.full(26**3, UNKNOWN, dtype=np.uint8)
    for code, decimals in rules["currencies"].items():
        minor_units[letters_number(code)] = decimals
    tables = (country, length, classes, home, minor_units)
    for table in tables:
        table.flags.writeable = False
    return RuleTables(*tables, hashlib.sha256(content).hexdigest())


def letters_number(code: str) -> int:
    """Upper-case letters as a number to the base 26, A being 0."""
    number = 0
    for char in code:
        number = 26 * number + ord(char) - ord("A")
    return number
