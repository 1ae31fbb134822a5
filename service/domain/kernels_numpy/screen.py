"""`screen` of the numpy engine.

One operation on an array costs half a microsecond before it does anything, so queries go
through the bound in groups of about one length, and their survivors are scored together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from service.domain.bound import fewest_common
from service.domain.kernels import BINS, PREFIX_LENGTH, CodePoints, Hits, NameIndex
from service.domain.kernels_numpy.jaro import Alphabet, jaro_winkler
from service.domain.kernels_python.screen import reached, sum_planes

_WORDS = 8192  # of one operation's array: what it reads and writes stays in the L2 cache
_PAIRS = 4096  # scored at a time

_Planes: TypeAlias = NDArray[np.uint64]


class _Prepared(NamedTuple):
    planes: _Planes  # [p + 1, w]; the last is empty
    plane_starts: list[int]
    alphabet: Alphabet
    # (cutoff, query length, bits, prefix) to [bits, w]
    complements: Callable[[float, int, int, int], _Planes]


class _Pairs(NamedTuple):
    """Places in the group of queries and in the index, one of each per pair."""

    queries: NDArray[np.intp]
    names: NDArray[np.intp]


_prepared: WeakKeyDictionary[NameIndex, _Prepared] = WeakKeyDictionary()


def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    prepared = _prepared.get(index) or _prepared.setdefault(index, _prepare(index))
    rows = np.full((len(queries), limit), -1, dtype=np.int32)
    scores = np.zeros((len(queries), limit))
    lengths = np.diff(queries.offsets)
    by_length = np.argsort(lengths, kind="stable")
    size = max(1, _WORDS // max(1, index.planes.shape[1]))
    for start in range(0, len(queries), size):
        group = by_length[start : start + size]
        for q, name, score in _hits(_take(queries, group), index, prepared, cutoff):
            best = np.lexsort((index.rows[name], -score))[:limit]
            rows[group[q], : len(best)] = index.rows[name[best]]
            scores[group[q], : len(best)] = score[best]
    return rows, scores


def _prepare(index: NameIndex) -> _Prepared:
    lengths = np.diff(index.offsets)

    @lru_cache(maxsize=512)  # about 16 KB each for 20,000 names
    def complements(cutoff: float, query_length: int, bits: int, prefix: int) -> _Planes:
        """2**bits - threshold of each name, bit-sliced: adding a count that reaches the
        threshold carries out of the highest bit. 0 for names that cannot reach it."""
        distinct, names = np.unique(lengths, return_inverse=True)
        values = np.zeros(len(distinct), dtype=np.int64)
        for place, length in enumerate(distinct.tolist()):
            if not length:
                continue
            threshold = fewest_common(cutoff, query_length, length, prefix)
            if threshold <= min(query_length, length):
                values[place] = (1 << bits) - threshold
        is_set = values[names] >> np.arange(bits)[:, None] & 1
        planes = np.zeros((bits, index.planes.shape[1] * 8), dtype=np.uint8)
        packed = np.packbits(is_set.astype(bool), axis=1, bitorder="little")
        planes[:, : packed.shape[1]] = packed
        return planes.view("<u8")

    return _Prepared(
        np.vstack([index.planes, np.zeros_like(index.planes, shape=(1, index.planes.shape[1]))]),
        index.plane_starts.tolist(),
        Alphabet.of(index),
        complements,
    )


def _take(queries: CodePoints, places: NDArray[np.intp]) -> list[NDArray[np.uint32]]:
    ends = queries.offsets
    return [queries.data[ends[place] : ends[place + 1]] for place in places]


def _hits(
    queries: list[NDArray[np.uint32]], index: NameIndex, prepared: _Prepared, cutoff: float
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.float64]]]:
    """(query, its names at or above the cutoff, their scores)."""
    pairs = _candidates(queries, index, prepared, cutoff)
    scores = np.empty(len(pairs.queries))
    masks = prepared.alphabet.positions(queries)
    for start in range(0, len(scores), _PAIRS):
        part = slice(start, start + _PAIRS)
        scores[part] = jaro_winkler(
            queries, masks, pairs.queries[part], prepared.alphabet, pairs.names[part]
        )
    is_hit = scores >= cutoff
    found, names, scores = pairs.queries[is_hit], pairs.names[is_hit], scores[is_hit]
    ends = np.searchsorted(found, np.arange(len(queries) + 1))  # pairs come by query
    for q in range(len(queries)):
        part = slice(ends[q], ends[q + 1])
        yield q, names[part], scores[part]


def _candidates(
    queries: list[NDArray[np.uint32]], index: NameIndex, prepared: _Prepared, cutoff: float
) -> _Pairs:
    """The pairs that the bound cannot discard."""
    n = len(index)
    if cutoff <= 0:
        places = np.arange(len(queries) * n)
        return _Pairs(places // max(n, 1), places % max(n, 1))
    empty = sum(not len(query) for query in queries)  # they come first
    nameless = int(np.searchsorted(np.diff(index.offsets), 1))  # only these equal them
    found, words = _bounded(queries[empty:], index, prepared, cutoff)
    word_rows, bits = np.nonzero(
        np.unpackbits(words.bits.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    )
    return _Pairs(
        np.concatenate([np.repeat(np.arange(empty), nameless), empty + found[word_rows]]),
        np.concatenate([np.tile(np.arange(nameless), empty), 64 * words.places[word_rows] + bits]),
    )
