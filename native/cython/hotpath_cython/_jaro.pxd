"""Jaro-Winkler similarity of two names, with the rounding that the contract fixes."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(uint64_t) noexcept nogil

cdef enum:
    PREFIX_LENGTH = 4
    WORD = 64  # names up to this many code points are matched with one machine word per mask
    SLOTS = 128

cdef extern from *:
    """
    static const double PREFIX_WEIGHT = 0.1;
    static const double BONUS_THRESHOLD = 0.7;
    """
    const double PREFIX_WEIGHT
    const double BONUS_THRESHOLD

ctypedef struct Matches:
    Py_ssize_t m
    Py_ssize_t transpositions  # halved, rounded down

ctypedef struct Positions:
    # For each code point of a name of 64 at most, the set of its positions: an
    # open-addressed table whose home slot is the seven low bits. ASCII never collides,
    # and 64 entries in 128 slots always leave a free one.
    uint32_t code_points[SLOTS]
    uint64_t masks[SLOTS]


cdef inline Py_ssize_t common_prefix(
    const uint32_t *a, Py_ssize_t len_a, const uint32_t *b, Py_ssize_t len_b
) noexcept nogil:
    cdef Py_ssize_t p = 0
    while p < PREFIX_LENGTH and p < len_a and p < len_b and a[p] == b[p]:
        p += 1
    return p


cdef inline double winkler(
    Py_ssize_t len_a, Py_ssize_t len_b, Matches matches, Py_ssize_t prefix
) noexcept nogil:
    """The order of the operations is part of the contract."""
    cdef double m = matches.m, s
    if matches.m == 0:
        return 1.0 if len_a == 0 and len_b == 0 else 0.0
    s = m / len_a
    s += m / len_b
    s += (matches.m - matches.transpositions) / m
    s /= 3
    if s > BONUS_THRESHOLD:
        s += prefix * PREFIX_WEIGHT * (1 - s)
    return s


cdef inline Py_ssize_t reach_of(Py_ssize_t len_a, Py_ssize_t len_b) noexcept nogil:
    """How far apart two equal code points may be to count as common."""
    return max(max(len_a, len_b) // 2 - 1, 0)


cdef inline Matches matches_plain(
    const uint32_t *a, Py_ssize_t len_a, const uint32_t *b, Py_ssize_t len_b,
    uint8_t *taken, uint32_t *common,
) noexcept nogil:
    """The method as the contract states it, for names of any length.

    taken: room for len_a. common: room for len_b.
    """
    cdef Py_ssize_t reach = reach_of(len_a, len_b), i, j, out_of_order = 0, seen = 0
    cdef Matches matches = Matches(0, 0)
    memset(taken, 0, len_a)
    for j in range(len_b):
        for i in range(max(j - reach, 0), min(j + reach + 1, len_a)):
            if a[i] == b[j] and not taken[i]:
                taken[i] = 1
                common[matches.m] = b[j]
                matches.m += 1
                break
    for i in range(len_a):
        if taken[i]:
            out_of_order += a[i] != common[seen]
            seen += 1
    matches.transpositions = out_of_order // 2
    return matches


cdef inline int slot_of(const Positions *positions, uint32_t code_point) noexcept nogil:
    """The slot that holds the code point, or the free one where it belongs."""
    cdef int slot = code_point % SLOTS
    while positions.masks[slot] and positions.code_points[slot] != code_point:
        slot = (slot + 1) % SLOTS
    return slot


cdef inline uint64_t positions_of(const Positions *positions, uint32_t code_point) noexcept nogil:
    cdef int home = code_point % SLOTS
    cdef uint64_t mask = positions.masks[home]
    # `&` and not `and`: one branch, hardly ever taken, is cheaper than two.
    if (mask != 0) & (positions.code_points[home] != code_point):
        return positions.masks[slot_of(positions, code_point)]
    return mask


cdef inline void set_positions(
    Positions *positions, const uint32_t *a, Py_ssize_t len_a
) noexcept nogil:
    cdef Py_ssize_t i
    cdef int slot
    memset(positions.masks, 0, sizeof(positions.masks))
    for i in range(len_a):
        slot = slot_of(positions, a[i])
        positions.code_points[slot] = a[i]
        positions.masks[slot] |= <uint64_t>1 << i


cdef inline Matches matches_in_words(
    const Positions *positions, Py_ssize_t len_a, const uint32_t *b, Py_ssize_t len_b,
    Py_ssize_t need,
) noexcept nogil:
    """Both names have 64 code points at most. Fewer than `need` matches count as none."""
    cdef Py_ssize_t reach = reach_of(len_a, len_b), j, out_of_order = 0
    cdef uint64_t window = (<uint64_t>2 << reach) - 1
    cdef uint64_t free = ~<uint64_t>0, found = 0, candidates, taken, first
    cdef Matches matches = Matches(0, 0)
    for j in range(len_b):
        candidates = positions_of(positions, b[j]) & window & free
        free ^= candidates & (~candidates + 1)
        found |= <uint64_t>(candidates != 0) << j
        matches.m += candidates != 0
        window = window << 1 | (j < reach)
    if matches.m < need:
        return Matches(0, 0)
    taken = ~free
    while found:
        j = lowest_bit(found)
        first = taken & (~taken + 1)
        out_of_order += positions_of(positions, b[j]) & first == 0
        taken ^= first
        found &= found - 1
    matches.transpositions = out_of_order // 2
    return matches
