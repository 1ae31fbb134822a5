"""Many texts or byte strings in two arrays, as Arrow packs them: offsets and data.

Arrays are NumPy, C-contiguous, little-endian and read-only, so that compiled engines and the wire
take them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class CodePoints:
    """Packed text: item i is data[offsets[i]:offsets[i + 1]].

    offsets: int32[n + 1], starts at 0, never falls.
    data: uint32[offsets[n]], one Unicode code point each.
    """

    offsets: NDArray[np.int32]
    data: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def pack(cls, texts: Sequence[str]) -> CodePoints:
        """Raises UnicodeEncodeError for lone surrogates, which no caller lets through."""
        data = np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4")
        offsets = np.fromiter(
            accumulate(map(len, texts), initial=0), dtype="<i4", count=len(texts) + 1
        )
        offsets.flags.writeable = False
        return cls(offsets, data)

    def texts(self) -> list[str]:
        """The items as they were packed."""
        text = self.data.tobytes().decode("utf-32-le")
        return [text[start:end] for start, end in pairwise(self.offsets.tolist())]


@dataclass(frozen=True, slots=True, eq=False)
class Blobs:
    """Packed bytes: item i is data[offsets[i]:offsets[i + 1]].

    offsets: int32[n + 1], starts at 0, never falls.
    data: uint8[offsets[n]].
    """

    offsets: NDArray[np.int32]
    data: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def pack(cls, items: Sequence[bytes]) -> Blobs:
        data = np.frombuffer(b"".join(items), dtype=np.uint8)
        offsets = np.fromiter(
            accumulate(map(len, items), initial=0), dtype="<i4", count=len(items) + 1
        )
        offsets.flags.writeable = False
        return cls(offsets, data)

    def items(self) -> list[bytes]:
        """The items as they were packed."""
        data = self.data.tobytes()
        return [data[start:end] for start, end in pairwise(self.offsets.tolist())]
