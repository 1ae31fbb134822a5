"""Normalisation of names: done once, before any engine."""

from __future__ import annotations

import unicodedata

from service.errors import ServiceError, shown

MAX_NAME_CHARS = 512
"""Longest raw name, in code points. It also bounds unicodedata.normalize, which is
quadratic on long runs of combining marks."""


class _Fold(dict[int, int | str | None]):
    """A str.translate table, filled as characters come: letters and numbers stay, marks go,
    the rest becomes a space. Bounded by Unicode's 1.1 million code points."""

    def __missing__(self, point: int) -> int | str | None:
        category = unicodedata.category(chr(point))[0]
        folded: int | str | None = point if category in "LN" else None if category == "M" else " "
        self[point] = folded
        return folded


_FOLD = _Fold()


def normalize(name: str) -> str:
    """The form of a name that is compared: folded, without marks and punctuation, tokens sorted.

    name: at most MAX_NAME_CHARS code points, no lone surrogates; may be empty.
    Returns: tokens of letters and numbers in code point order, one space between;
        may be empty. Normalising it again changes nothing.
    Raises: ServiceError invalid_argument.
    """
    if len(name) > MAX_NAME_CHARS:
        raise ServiceError(
            "invalid_argument",
            f"name: expected at most {MAX_NAME_CHARS} characters, got {len(name)}",
        )
    if name.isascii():
        folded = name.lower()
    else:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ServiceError(
                "invalid_argument",
                f"name: expected Unicode text, got a lone surrogate in {shown(name)}",
            ) from error
        # Case folding can bring back what the first decomposition took apart.
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return " ".join(sorted(folded.translate(_FOLD).split()))
