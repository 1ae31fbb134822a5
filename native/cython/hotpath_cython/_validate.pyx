"""The kernel `validate`; the contract states the rules."""

import os

import numpy as np

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from hotpath_cython._arrays cimport Blobs, Item, item

from hotpath_cython._arrays import array, check_shape

cdef extern from *:
    """
    #include <stdint.h>

    static inline uint64_t folded_product(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    uint64_t folded_product(uint64_t a, uint64_t b) noexcept nogil

cdef enum:
    # Bits of a violation; those of the debtor's IBAN are these, those of the creditor's
    # CREDITOR bits further up.
    IBAN_COUNTRY = 1 << 0
    IBAN_LENGTH = 1 << 1
    IBAN_STRUCTURE = 1 << 2
    IBAN_CHECKSUM = 1 << 3
    CREDITOR = 4
    BIC_STRUCTURE = 1 << 8
    BIC_COUNTRY = 1 << 9
    CURRENCY_UNKNOWN = 1 << 10
    AMOUNT_FORMAT = 1 << 11
    AMOUNT_MINOR_UNITS = 1 << 12
    AMOUNT_RANGE = 1 << 13
    ID_FORMAT = 1 << 14
    ID_DUPLICATE = 1 << 15

cdef enum:
    DIGIT = 1  # classes of characters, as bits; the first two are those of the tables
    LETTER = 2
    OF_ID = 4
    UNKNOWN = 255
    MAX_BBAN = 30
    MAX_ID = 35
    MAX_DIGITS = 18  # of an amount
    MAX_DECIMALS = 5
    CHUNK = 8  # characters of an IBAN between two divisions: 16 digits and a remainder fit

cdef uint64_t MAX_AMOUNT_MINOR = 10 ** 15 - 1

# Of each byte: its classes, its value to the base 36, and what a number is multiplied
# with to put the value, one decimal digit or two, behind it.
cdef uint8_t CLASSES[256]
cdef uint8_t VALUES[256]
cdef uint8_t SCALES[256]

# Whoever writes the ids of a batch must not be able to choose ones that collide.
cdef uint64_t[2] SECRETS


cdef _fill():
    cdef int byte
    for byte in range(256):
        char = chr(byte)
        CLASSES[byte] = VALUES[byte] = 0
        SCALES[byte] = 10
        if b"0"[0] <= byte <= b"9"[0]:
            CLASSES[byte], VALUES[byte] = DIGIT, byte - b"0"[0]
        elif b"A"[0] <= byte <= b"Z"[0]:
            CLASSES[byte], VALUES[byte] = LETTER, byte - b"A"[0] + 10
            SCALES[byte] = 100
        if byte < 128 and (char.isalnum() or char in "/-?:().,'+ "):
            CLASSES[byte] |= OF_ID
    SECRETS[0] = int.from_bytes(os.urandom(8))
    SECRETS[1] = int.from_bytes(os.urandom(8)) | 1  # never 0, which would make one hash of all


_fill()


def validate(payments, rules):
    cdef _Rules tables = _Rules(rules)
    cdef Blobs ids = column(payments, "end_to_end_id")
    cdef Blobs debtor_ibans = column(payments, "debtor_iban")
    cdef Blobs creditor_ibans = column(payments, "creditor_iban")
    cdef Blobs bics = column(payments, "creditor_bic")
    cdef Blobs currencies = column(payments, "currency")
    cdef Blobs amounts = column(payments, "amount")
    cdef Py_ssize_t n = amounts.count, i
    for name, found in (
        ("end_to_end_id", ids), ("debtor_iban", debtor_ibans),
        ("creditor_iban", creditor_ibans), ("creditor_bic", bics), ("currency", currencies),
    ):
        if found.count != n:
            raise ValueError(
                f"payments.{name}: expected {n} items, as payments.amount has, got {found.count}"
            )
    result = np.empty(n, dtype=np.uint32)
    # At most half full, so that a free slot is near.
    slots_array = np.zeros(1 << (2 * n).bit_length(), dtype=np.uint64)
    cdef uint32_t[::1] broken = result
    cdef uint64_t[::1] slots = slots_array
    # The arrays stay referenced and, by the contract, unchanged during the call.
    with nogil:
        for i in range(n):
            broken[i] = (
                iban_violation(tables, item(debtor_ibans, i))
                | iban_violation(tables, item(creditor_ibans, i)) << CREDITOR
                | bic_violation(tables, item(bics, i), item(creditor_ibans, i))
                | amount_violation(tables, item(amounts, i), item(currencies, i))
                | (0 if is_id(item(ids, i)) else ID_FORMAT)
                | (ID_DUPLICATE if came_earlier(slots, ids, i) else 0)
            )
    return result


cdef Blobs column(payments, name):
    return Blobs(f"payments.{name}", getattr(payments, name, None))


cdef class _Rules:
    """The tables, checked: what they hold cannot lead a kernel out of bounds."""

    cdef const uint8_t[::1] country, length, minor_units
    cdef const uint8_t[:, ::1] classes
    cdef const uint16_t[::1] home

    def __cinit__(self, rules):
        country = array("rules", rules, "country", "uint8")
        check_shape("rules.country", country, (26 ** 2,))
        length = array("rules", rules, "length", "uint8")
        classes = array("rules", rules, "classes", "uint8", 2)
        check_shape("rules.classes", classes, (len(length), MAX_BBAN))
        home = array("rules", rules, "home", "uint16")
        check_shape("rules.home", home, (26 ** 2,))
        minor_units = array("rules", rules, "minor_units", "uint8")
        check_shape("rules.minor_units", minor_units, (26 ** 3,))
        self.country, self.length, self.classes = country, length, classes
        self.home, self.minor_units = home, minor_units
        cdef Py_ssize_t i
        for i in range(self.country.shape[0]):
            if self.country[i] != UNKNOWN and self.country[i] >= self.length.shape[0]:
                raise ValueError(
                    f"rules.country: expected places below {len(length)}, got {self.country[i]}"
                )
        for i in range(self.length.shape[0]):
            if not 4 <= self.length[i] <= 4 + MAX_BBAN:
                raise ValueError(
                    f"rules.length: expected 4 to {4 + MAX_BBAN}, got {self.length[i]}"
                )


cdef inline int letters_number(const uint8_t *letters, int n) noexcept nogil:
    """-1 where one of the n is no upper-case letter."""
    cdef int number = 0, i
    for i in range(n):
        if not CLASSES[letters[i]] & LETTER:
            return -1
        number = 26 * number + letters[i] - c"A"
    return number


cdef inline int country_place(_Rules rules, Item iban) noexcept nogil:
    """UNKNOWN where the IBAN begins with no country that has IBANs."""
    cdef int number = letters_number(iban.bytes, 2) if iban.length >= 2 else -1
    return rules.country[number] if number >= 0 else UNKNOWN


cdef uint32_t iban_violation(_Rules rules, Item iban) noexcept nogil:
    cdef int place = country_place(rules, iban)
    if place == UNKNOWN:
        return IBAN_COUNTRY
    if iban.length != rules.length[place]:
        return IBAN_LENGTH
    cdef const uint8_t *allowed = &rules.classes[place, 0]
    cdef const uint8_t *bban = iban.bytes + 4
    cdef Py_ssize_t start = 0, length = iban.length - 4, i
    cdef uint64_t number = 0
    cdef int check_digits, well_formed = CLASSES[iban.bytes[2]] & CLASSES[iban.bytes[3]] & DIGIT
    while start < length:
        for i in range(start, min(start + CHUNK, length)):
            well_formed &= (CLASSES[bban[i]] & allowed[i]) != 0
            number = number * SCALES[bban[i]] + VALUES[bban[i]]
        number %= 97
        start += CHUNK
    check_digits = 10 * VALUES[iban.bytes[2]] + VALUES[iban.bytes[3]]
    if not (well_formed and 2 <= check_digits <= 98):
        return IBAN_STRUCTURE
    number = number * 100 + VALUES[iban.bytes[0]]
    number = number * 100 + VALUES[iban.bytes[1]]
    number = number * 100 + check_digits
    return 0 if number % 97 == 1 else IBAN_CHECKSUM


cdef uint32_t bic_violation(_Rules rules, Item bic, Item iban) noexcept nogil:
    cdef int well_formed = 1, i
    if bic.length != 8 and bic.length != 11:
        return BIC_STRUCTURE
    for i in range(bic.length):
        well_formed &= (CLASSES[bic.bytes[i]] & (DIGIT | LETTER)) != 0
    cdef int country = letters_number(bic.bytes + 4, 2)
    if not well_formed or country < 0:
        return BIC_STRUCTURE
    if country_place(rules, iban) == UNKNOWN:
        return 0
    return 0 if rules.home[country] == letters_number(iban.bytes, 2) else BIC_COUNTRY


cdef uint32_t amount_violation(_Rules rules, Item amount, Item currency) noexcept nogil:
    """What is wrong with the amount or its currency."""
    cdef int code = letters_number(currency.bytes, 3) if currency.length == 3 else -1
    cdef int decimals = rules.minor_units[code] if code >= 0 else UNKNOWN
    cdef uint32_t unknown = CURRENCY_UNKNOWN if decimals == UNKNOWN else 0
    cdef uint64_t number = 0, largest = MAX_AMOUNT_MINOR
    cdef Py_ssize_t i = 0, whole, fraction = 0
    if not 1 <= amount.length <= MAX_DIGITS + 1:
        return unknown | AMOUNT_FORMAT
    while i < amount.length and CLASSES[amount.bytes[i]] & DIGIT:
        number = 10 * number + VALUES[amount.bytes[i]]
        i += 1
    whole = i
    if i < amount.length and amount.bytes[i] == c".":
        i += 1
        while i < amount.length and CLASSES[amount.bytes[i]] & DIGIT:
            number = 10 * number + VALUES[amount.bytes[i]]
            i += 1
        fraction = i - whole - 1
        if not 1 <= fraction <= MAX_DECIMALS:
            return unknown | AMOUNT_FORMAT
    if i < amount.length or whole < 1 or whole + fraction > MAX_DIGITS:
        return unknown | AMOUNT_FORMAT
    if unknown:
        return unknown
    if fraction > decimals:
        return AMOUNT_MINOR_UNITS
    for i in range(decimals - fraction):  # instead of more digits of the number: it could overflow
        largest //= 10
    return 0 if 1 <= number <= largest else AMOUNT_RANGE


cdef bint is_id(Item found) noexcept nogil:
    cdef Py_ssize_t i
    cdef int well_formed = OF_ID
    if not 1 <= found.length <= MAX_ID:
        return False
    for i in range(found.length):
        well_formed &= CLASSES[found.bytes[i]]
    return well_formed


cdef bint came_earlier(uint64_t[::1] slots, Blobs ids, Py_ssize_t i) noexcept nogil:
    """Whether an id before this one is equal to it; if not, it is put into a slot.

    slots: for each id 32 bits of its hash and, below them, its place + 1; 0 is free.
    """
    cdef Item found = item(ids, i), other
    cdef uint64_t hashed = hash_of(found), mask = slots.shape[0] - 1, slot = hashed & mask
    while slots[slot]:
        if slots[slot] >> 32 == hashed >> 32:
            other = item(ids, <Py_ssize_t><uint32_t>slots[slot] - 1)
            if other.length == found.length and not memcmp(
                other.bytes, found.bytes, found.length
            ):
                return True
        slot = (slot + 1) & mask
    slots[slot] = hashed >> 32 << 32 | <uint64_t>(i + 1)
    return False


cdef uint64_t hash_of(Item found) noexcept nogil:
    cdef uint64_t hashed = SECRETS[0] ^ <uint64_t>found.length, word
    cdef Py_ssize_t i = 0
    while i + 8 <= found.length:
        memcpy(&word, found.bytes + i, 8)
        hashed = folded_product(hashed ^ word, SECRETS[1])
        i += 8
    word = 0
    while i < found.length:
        word = word << 8 | found.bytes[i]
        i += 1
    return folded_product(hashed ^ word, SECRETS[1])
