"""The folding of names as arrays, for engines that read names themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from service.screening.contract.folding import DOT, PART, SPACE, TIE, folding

_POINTS = 0x110000
_PAGE = 256
CASED = 1 << 24
"""Added to a letter of a script with case."""

_PARTING = {PART: 0, SPACE: -1, DOT: -2, TIE: -3}
_GONE = -4
_SEQUENCE = -5


@dataclass(frozen=True, slots=True, eq=False)
class FoldingTables:
    """What code point p becomes is becomes[pages[p // 256], p % 256]: a code point, with CASED
    where that is a letter of a script with case; 0 a PART, -1 a SPACE, -2 a DOT, -3 a TIE, -4
    nothing; and -5 - i item i of the sequences, whose elements are of the same kind.

    pages: uint16[4352]. becomes: int32[r, 256].
    offsets: int32[s + 1], starts at 0, never falls. data: int32[offsets[s]].
    """

    pages: NDArray[np.uint16]
    becomes: NDArray[np.int32]
    offsets: NDArray[np.int32]
    data: NDArray[np.int32]


@cache
def folding_tables() -> FoldingTables:
    table = folding()
    becomes = np.zeros(_POINTS, dtype="<i4")
    offsets, data = [0], list[int]()
    for point in table.points():
        codes = [_code(char) for char in table[point]]
        if len(codes) == 1:
            becomes[point] = codes[0]
        elif not codes:
            becomes[point] = _GONE
        else:
            becomes[point] = _SEQUENCE - (len(offsets) - 1)
            data += codes
            offsets.append(len(data))
    rows, pages = np.unique(becomes.reshape(-1, _PAGE), axis=0, return_inverse=True)
    arrays = (
        pages.reshape(-1).astype("<u2"),
        rows,
        np.array(offsets, dtype="<i4"),
        np.array(data, dtype="<i4"),
    )
    for array in arrays:
        array.flags.writeable = False
    return FoldingTables(*arrays)


def _code(char: str) -> int:
    if char in _PARTING:
        return _PARTING[char]
    return ord(char) | (CASED if char in folding().letters else 0)
