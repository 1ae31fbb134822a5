"""`screen` of the numpy engine.

An operation on arrays costs half a microsecond before it does anything. So queries of about
one length go through the bound together, and the survivors of all of them are scored together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from service.packed import CodePoints
from service.screening.contract.index import BINS, NameIndex
from service.screening.contract.kernels import PREFIX_LENGTH, Hits
from service.screening.engines.bound import fewest_common
from service.screening.engines.numpy.jaro import Names, jaro_winkler
from service.screening.engines.python.screen import reached, sum_planes

_GROUP_WORDS = 8192  # of one operation on a group of queries, so that its arrays stay in cache

_Planes: TypeAlias = NDArray[np.uint64]
_Pairs: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Places in the group of queries, and in the index; sorted by the first."""


class _Prepared(NamedTuple):
    planes: _Planes  # [p + 1, w]; the last is empty
    names: Names
    nameless: int  # the empty names, which come first
    complements: Callable[[float, int, int, int], _Planes]


_prepared: WeakKeyDictionary[NameIndex, _Prepared] = WeakKeyDictionary()


def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    prepared = _prepared.get(index) or _prepared.setdefault(index, _prepare(index))
    rows = np.full((len(queries), limit), -1, dtype=np.int32)
    scores = np.zeros((len(queries), limit))
    by_length = np.argsort(np.diff(queries.offsets), kind="stable")
    size = max(1, _GROUP_WORDS // max(1, index.planes.shape[1]))
    for start in range(0, len(queries), size):
        places = by_length[start : start + size]
        group = [queries.data[queries.offsets[q] : queries.offsets[q + 1]] for q in places]
        of_query, of_name = _candidates(group, index, prepared, cutoff)
        score = jaro_winkler(group, prepared.names, of_query, of_name, cutoff)
        is_hit = score >= cutoff
        of_query, score, row = of_query[is_hit], score[is_hit], index.rows[of_name[is_hit]]
        best = np.lexsort((row, -score, of_query))
        rank = np.arange(len(best)) - np.searchsorted(of_query, of_query)
        best, rank = best[rank < limit], rank[rank < limit]
        rows[places[of_query[best]], rank] = row[best]
        scores[places[of_query[best]], rank] = score[best]
    return rows, scores


def _prepare(index: NameIndex) -> _Prepared:
    lengths, names = np.unique(np.diff(index.offsets), return_inverse=True)
    words = index.planes.shape[1]

    @lru_cache(maxsize=512)  # about 16 KB each for 20,000 names
    def complements(cutoff: float, query_length: int, prefix: int, bits: int) -> _Planes:
        """[bits, w]: 2**bits - threshold of each name, bit-sliced: adding a count that reaches
        the threshold carries out of the highest bit. 0 for names that cannot reach it."""
        of_length = np.zeros(len(lengths), dtype=np.int64)
        for place, length in enumerate(lengths.tolist()):
            if length:
                threshold = fewest_common(cutoff, query_length, length, prefix)
                if threshold <= min(query_length, length):
                    of_length[place] = (1 << bits) - threshold
        flags = np.zeros((bits, 64 * words), dtype=bool)
        flags[:, : len(names)] = of_length[names] >> np.arange(bits)[:, None] & 1
        return np.packbits(flags, axis=1, bitorder="little").view("<u8")

    planes = np.zeros((len(index.planes) + 1, words), dtype="<u8")
    planes[:-1] = index.planes
    nameless = int(np.count_nonzero(index.offsets == 0)) - 1
    return _Prepared(planes, Names.of(index), nameless, complements)


def _candidates(
    group: list[NDArray[np.uint32]], index: NameIndex, prepared: _Prepared, cutoff: float
) -> _Pairs:
    """The pairs that the bound cannot discard. The group's queries are sorted by length."""
    if cutoff <= 0:  # nothing can be discarded
        every = np.arange(len(group) * len(index))
        return every // max(1, len(index)), every % max(1, len(index))
    # Of the names only the empty ones equal an empty query.
    empty, nameless = sum(not len(query) for query in group), prepared.nameless
    found = _reaching(group[empty:], index, prepared, cutoff)
    of_query, word = np.nonzero(found)
    bits = np.unpackbits(found[of_query, word].view("u1"), bitorder="little").reshape(-1, 64)
    of_word, bit = np.nonzero(bits)
    return (
        np.append(np.repeat(np.arange(empty), nameless), empty + of_query[of_word]),
        np.append(np.tile(np.arange(nameless), empty), 64 * word[of_word] + bit),
    )


def _reaching(
    group: list[NDArray[np.uint32]], index: NameIndex, prepared: _Prepared, cutoff: float
) -> _Planes:
    """[group, w]: for each query the names whose common characters reach their threshold."""
    bins = [(query & (BINS - 1)).tolist() for query in group]
    starts = index.plane_starts.tolist()
    wanted = []
    for points in bins:
        common = [
            plane
            for b, count in Counter(points).items()
            for plane in range(starts[b], min(starts[b] + count, starts[b + 1]))
        ]
        wanted.append(common)
    most = max(map(len, wanted), default=0)
    if most == 0:
        return np.zeros((len(group), prepared.planes.shape[1]), dtype=np.uint64)
    padded = np.array([planes + [-1] * (most - len(planes)) for planes in wanted])
    counts = sum_planes([prepared.planes[column] for column in padded.T])
    bits = len(group[-1]).bit_length()

    def reaching(prefix: int) -> _Planes:
        planes = [prepared.complements(cutoff, len(query), prefix, bits) for query in group]
        return reached(counts, list(np.stack(planes, axis=1)))

    first, second = index.heads
    found = reaching(0)
    shared = first[[points[0] for points in bins]]
    found |= shared & reaching(1)
    for q, points in enumerate(bins):
        shared[q] &= second[points[1]] if len(points) > 1 else np.uint64(0)
    found |= shared & reaching(PREFIX_LENGTH)
    return found
