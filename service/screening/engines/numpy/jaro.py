"""Jaro-Winkler similarity of many pairs at once: one step a position, for all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import BONUS_THRESHOLD, PREFIX_LENGTH, PREFIX_WEIGHT
from service.screening.engines.bound import SLACK
from service.screening.engines.python.screen import jaro_winkler as one_jaro_winkler
from service.screening.engines.python.screen import positions

_CHUNK = 2048  # pairs; what one step reads and writes stays in cache
# These are scored one by one, by the python engine's function:
_FEW = 48  # fewer pairs cost less than the operations on arrays do
_LONGEST = 64  # positions of a longer query are not the bits of one word
_ONE, _TWO = np.uint64(1), np.uint64(2)


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """The names of an index with their code points numbered."""

    alphabet: NDArray[np.uint32]  # sorted; the last is no code point and stands for all others
    numbers: NDArray[np.intp]  # of the index' data, as places in the alphabet; then one such last
    offsets: NDArray[np.int32]
    data: NDArray[np.uint32]

    @classmethod
    def of(cls, index: NameIndex) -> Self:
        found, numbers = np.unique(index.data, return_inverse=True)
        alphabet = np.append(found, np.uint32(2**32 - 1))
        return cls(alphabet, np.append(numbers, len(found)), index.offsets, index.data)


def jaro_winkler(
    queries: list[NDArray[np.uint32]],
    names: Names,
    of_query: NDArray[np.intp],
    of_name: NDArray[np.intp],
    cutoff: float,
) -> NDArray[np.float64]:
    """Of each pair the score; pair i is queries[of_query[i]] and name of_name[i].

    Returns 0 where the matches alone show that the cutoff is out of reach.
    """
    lengths = np.array([len(query) for query in queries], dtype=np.intp)
    scores = np.empty(len(of_query))
    singly = lengths[of_query] > _LONGEST
    if len(of_query) < _FEW:
        singly[:] = True
    for pair in np.flatnonzero(singly).tolist():
        query = _text(queries[of_query[pair]])
        name = _text(names.data[slice(*names.offsets[of_name[pair] : of_name[pair] + 2])])
        scores[pair] = one_jaro_winkler(query, positions(query), name, cutoff)
    (together,) = np.nonzero(~singly)
    # An index is sorted by length: the names of a chunk need about the same number of steps.
    together = together[np.argsort(of_name[together])]
    if len(together):
        masks = _masks(queries, names.alphabet)
    for start in range(0, len(together), _CHUNK):
        chunk = together[start : start + _CHUNK]
        scores[chunk] = _chunk_scores(
            of_query[chunk], of_name[chunk], lengths, masks, names, cutoff
        )
    return scores


def _text(points: NDArray[np.uint32]) -> str:
    return points.tobytes().decode("utf-32-le")


def _masks(queries: list[NDArray[np.uint32]], alphabet: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """[queries, alphabet]: for each character its positions in the query, as bits."""
    others = len(alphabet) - 1
    masks = np.zeros((len(queries), len(alphabet)), dtype=np.uint64)
    for q, query in enumerate(queries):
        if len(query) > _LONGEST:
            continue
        number = np.searchsorted(alphabet, query)
        number[alphabet[number] != query] = others
        np.bitwise_or.at(masks[q], number, _ONE << np.arange(len(query), dtype=np.uint64))
    masks[:, others] = 0
    return masks


def _chunk_scores(
    of_query: NDArray[np.intp],
    of_name: NDArray[np.intp],
    lengths: NDArray[np.intp],
    masks: NDArray[np.uint64],
    names: Names,
    cutoff: float,
) -> NDArray[np.float64]:
    starts, ends = names.offsets[of_name], names.offsets[of_name + 1]
    a, b = lengths[of_query], (ends - starts).astype(np.intp)
    longest = int(b.max())
    others = len(names.alphabet) - 1
    # Names are read one after the other, then turned: [j] is position j of each.
    places: NDArray[np.int32] = np.add.outer(starts, np.arange(longest, dtype=np.int32))
    numbers = names.numbers.take(places, mode="clip")
    numbers[places >= ends[:, None]] = others  # behind a name's end, where nothing matches
    numbers += (of_query * len(names.alphabet))[:, None]
    # equal[j]: the positions of a that equal b's position j
    equal = masks.reshape(-1).take(numbers.T)

    # A shift by 64 would be undefined; 2 << 63 is 0, and less one it is all ones, as wanted.
    every = (_TWO << (np.maximum(a, 1) - 1).astype(np.uint64)) - _ONE
    reach = np.maximum(np.maximum(a, b) // 2 - 1, 0)
    window = (_TWO << np.minimum(reach, 63).astype(np.uint64)) - _ONE
    free = every.copy()
    is_match = np.empty(equal.shape, dtype=np.uint64)
    for j in range(longest):
        fitting = equal[j] & window
        fitting &= free
        fitting &= -fitting
        free ^= fitting
        np.not_equal(fitting, 0, out=is_match[j], casting="unsafe")
        window <<= _ONE
        window |= j < reach
    taken = every ^ free
    m = np.bitwise_count(taken).astype(np.float64)
    prefix = np.zeros(len(a))
    run = np.ones(len(a), dtype=np.uint64)
    for j in range(min(PREFIX_LENGTH, longest)):
        run &= equal[j] >> np.uint64(j)
        prefix += run

    scores = _scores(a, b, m, 0, prefix)
    (near,) = np.nonzero(scores >= cutoff - SLACK)
    out_of_order = _out_of_order(taken[near], is_match[:, near], equal[:, near])
    scores[:] = 0
    scores[near] = _scores(a[near], b[near], m[near], out_of_order // 2, prefix[near])
    return scores


def _out_of_order(
    taken: NDArray[np.uint64], is_match: NDArray[np.uint64], equal: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """How many matches of b are not the one of a that stands at the same place among all."""
    count = np.zeros(len(taken), dtype=np.int64)
    for match, positions_of_a in zip(is_match, equal):
        lowest = taken & -taken
        lowest *= match
        taken ^= lowest
        count += lowest & positions_of_a != lowest
    return count


def _scores(
    a: NDArray[np.intp],
    b: NDArray[np.intp],
    m: NDArray[np.float64],
    t: NDArray[np.int64] | int,
    prefix: NDArray[np.float64],
) -> NDArray[np.float64]:
    s = m / np.maximum(a, 1)
    s += m / np.maximum(b, 1)
    s += (m - t) / np.maximum(m, 1)
    s /= 3
    s = np.where(s > BONUS_THRESHOLD, s + prefix * PREFIX_WEIGHT * (1 - s), s)
    s[m == 0] = 0
    s[(a == 0) & (b == 0)] = 1
    return s
