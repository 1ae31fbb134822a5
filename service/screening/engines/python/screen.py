"""`screen` of the python engine.

What is idiomatic here: Python's integers are bit sets of any width, so one plane is one
integer, and one `^` or `&` works on all names at once in the interpreter's C code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from service.packed import CodePoints
from service.screening.contract.index import BINS, NameIndex
from service.screening.contract.kernels import BONUS_THRESHOLD, PREFIX_LENGTH, PREFIX_WEIGHT, Hits
from service.screening.engines.bound import fewest_common

Plane = TypeVar("Plane", int, NDArray[np.uint64])  # one bit a name, as engines hold it


class _Block(NamedTuple):
    """The names of one length: places start to end of the index."""

    length: int
    start: int
    end: int


class _Prepared(NamedTuple):
    names: list[str]
    rows: list[int]
    blocks: tuple[_Block, ...]
    planes: list[list[int]]  # for each bin
    heads: list[list[int]]  # for each of the first two positions, for each bin


_prepared: WeakKeyDictionary[NameIndex, _Prepared] = WeakKeyDictionary()


def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    prepared = _prepared.get(index) or _prepared.setdefault(index, _prepare(index))
    names, list_rows = prepared.names, prepared.rows
    rows = np.full((len(queries), limit), -1, dtype=np.int32)
    scores = np.zeros((len(queries), limit))
    for q, query in enumerate(queries.texts()):
        places = (
            _candidates(query, prepared, cutoff)
            if query and cutoff > 0
            else range(len(names))  # nothing can be discarded
        )
        masks = positions(query)
        hits = sorted(
            (-score, list_rows[place])
            for place in places
            if (score := jaro_winkler(query, masks, names[place], cutoff)) >= cutoff
        )
        for place, (negative, row) in enumerate(hits[:limit]):
            rows[q, place] = row
            scores[q, place] = -negative
    return rows, scores


def _prepare(index: NameIndex) -> _Prepared:
    lengths = np.diff(index.offsets)
    starts = np.flatnonzero(np.diff(lengths, prepend=-1)).tolist()
    planes = [int.from_bytes(plane.tobytes(), "little") for plane in index.planes]
    return _Prepared(
        CodePoints(index.offsets, index.data).texts(),
        index.rows.tolist(),
        tuple(
            _Block(int(lengths[start]), start, end)
            for start, end in pairwise([*starts, len(index)])
        ),
        [planes[start:end] for start, end in pairwise(index.plane_starts.tolist())],
        [[int.from_bytes(p.tobytes(), "little") for p in position] for position in index.heads],
    )


def _candidates(query: str, prepared: _Prepared, cutoff: float) -> list[int]:
    """Places of the names that the bound cannot discard; the query is not empty."""
    points = [ord(char) % BINS for char in query]
    planes = []
    for b in set(points):
        planes += prepared.planes[b][: points.count(b)]
    if not planes:
        return []  # every threshold is 1 at least
    counts = sum_planes(planes)

    def reaching(prefix: int) -> int:
        complements = _complements(prepared.blocks, cutoff, len(query), prefix)
        return reached(counts, complements)

    first, second = prepared.heads
    found = reaching(0)
    shared = first[points[0]]
    found |= shared & reaching(1)
    if len(points) > 1:
        found |= shared & second[points[1]] & reaching(PREFIX_LENGTH)
    return [bit.start() for bit in re.finditer("1", bin(found)[:1:-1])]


def sum_planes(planes: list[Plane]) -> list[Plane]:
    """For each name the number of planes that mark it, bit-sliced, lowest bit first."""
    total = []
    while planes:
        carries = []
        while len(planes) > 2:  # a full adder takes three planes to a sum and a carry
            a, b, c = planes.pop(), planes.pop(), planes.pop()
            either = a ^ b
            planes.append(either ^ c)
            carries.append(a & b | either & c)
        if len(planes) == 2:
            a, b = planes
            planes = [a ^ b]
            carries.append(a & b)
        total += planes
        planes = carries
    return total


def reached(counts: list[Plane], complements: list[Plane]) -> Plane:
    """The names whose count and complement together carry out of the highest bit.

    counts: one plane at least, and no more than there are of complements.
    """
    carry = counts[0] & complements[0]
    for count, complement in zip(counts[1:], complements[1:]):
        either = count ^ complement
        carry = count & complement | either & carry
    for complement in complements[len(counts) :]:
        carry = complement & carry
    return carry


@lru_cache(maxsize=512)  # about 16 KB each for 20,000 names
def _complements(
    blocks: tuple[_Block, ...], cutoff: float, query_length: int, prefix: int
) -> list[int]:
    """2**bits - threshold of each name, bit-sliced: adding a count that reaches the
    threshold carries out of the highest bit. 0 for names that cannot reach it."""
    bits = query_length.bit_length()
    planes = [0] * bits
    for length, start, end in blocks:
        if not length:
            continue
        threshold = fewest_common(cutoff, query_length, length, prefix)
        if threshold <= min(query_length, length):
            marked = (1 << end) - (1 << start)
            for bit in range(bits):
                if (1 << bits) - threshold >> bit & 1:
                    planes[bit] |= marked
    return planes


def positions(text: str) -> dict[str, int]:
    """For each character its positions in the text, as a bit set."""
    masks: dict[str, int] = {}
    for i, char in enumerate(text):
        masks[char] = masks.get(char, 0) | 1 << i
    return masks


def _prefix(a: str, b: str) -> int:
    length = 0
    for x, y in zip(a[:PREFIX_LENGTH], b):
        if x != y:
            break
        length += 1
    return length


def jaro_winkler(a: str, masks: dict[str, int], b: str, cutoff: float) -> float:
    """masks: positions(a).

    Returns 0 where the matches alone show that the cutoff is out of reach.
    """
    if not a and not b:
        return 1.0
    reach = max(max(len(a), len(b)) // 2 - 1, 0)
    window = (1 << reach + 1) - 1  # the positions of a that b's current character may take
    free = (1 << len(a)) - 1
    matched = []
    for j, char in enumerate(b):
        if fitting := masks.get(char, 0) & window & free:
            free ^= fitting & -fitting
            matched.append(char)
        window = window << 1 | (j < reach)
    m = len(matched)
    prefix = _prefix(a, b)
    if m == 0 or m < fewest_common(cutoff, len(a), len(b), prefix):
        return 0.0
    taken = ~free
    out_of_order = 0
    for char in matched:
        lowest = taken & -taken
        taken ^= lowest
        out_of_order += not masks[char] & lowest
    s = m / len(a)
    s += m / len(b)
    s += (m - out_of_order // 2) / m
    s /= 3
    if s > BONUS_THRESHOLD:
        s += prefix * PREFIX_WEIGHT * (1 - s)
    return s
