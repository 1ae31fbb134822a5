"""Normalisation of names: done once, before any engine."""

from __future__ import annotations

import re
from functools import cache

from service.errors import ServiceError, shown
from service.screening.contract.folding import DOT, PART, SPACE, TIE, folding

MAX_NAME_CHARS = 512
"""Longest raw name, in code points."""


def normalize(name: str) -> str:
    """The form of a name that is compared: folded, without what cannot be seen, tokens sorted.

    name: at most MAX_NAME_CHARS code points, no lone surrogates; may be empty.
    Returns: tokens of letters and numbers in code point order, one space between;
        may be empty. Normalising it again changes nothing. Single letters of a script with case
        are one token where spaces, dots or slashes alone are between them (S. A.), and those that
        are left are one token, in code point order.
    Raises: ServiceError invalid_argument.
    """
    if len(name) > MAX_NAME_CHARS:
        raise ServiceError(
            "invalid_argument",
            f"name: expected at most {MAX_NAME_CHARS} characters, got {len(name)}",
        )
    if name.isascii():
        words, gone = _ascii()
        tokens = name.encode().translate(words, gone).split()
        if _has_single_letters(tokens):
            return " ".join(sorted(_tokens(name.translate(folding()))))
        tokens.sort()
        return b" ".join(tokens).decode()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ServiceError(
            "invalid_argument",
            f"name: expected Unicode text, got a lone surrogate in {shown(name)}",
        ) from error
    return " ".join(sorted(_tokens(name.translate(folding()))))


def _has_single_letters(tokens: list[bytes]) -> bool:
    return list(map(len, tokens)).count(1) > 1


@cache
def _ascii() -> tuple[bytes, bytes]:
    """For bytes.translate: what ASCII becomes, where nothing depends on what parts words."""
    folded = [folding()[point] for point in range(128)]
    words = "".join(char if char.isalnum() else SPACE for char in folded).encode()
    return words.ljust(256), bytes(point for point, char in enumerate(folded) if not char)


_GAP = re.compile("'*[ .,][ .,']*")  # a tie alone is none


def _tokens(folded: str) -> list[str]:
    folded = folded.strip(" .,'")
    words = _GAP.split(folded)
    gaps = [_kind(gap) for gap in _GAP.findall(folded)]
    # Dots first: in `J S.A.` the J is no part of the abbreviation.
    for kind in (DOT, SPACE):
        words, gaps = _joined(words, gaps, kind)
    tokens = [token for word in words for token in word.split(TIE) if token]
    left = sorted(filter(_is_letter, tokens))
    if len(left) > 1:
        # Sorting would bring them together, and normalising again would join them.
        tokens = [token for token in tokens if not _is_letter(token)]
        tokens.append("".join(left))
    return tokens


def _kind(gap: str) -> str:
    if PART in gap:
        return PART
    if DOT in gap:
        return DOT
    return PART if TIE in gap else SPACE


def _joined(words: list[str], gaps: list[str], kind: str) -> tuple[list[str], list[str]]:
    """Single letters that gaps of the kind part become a word."""
    joined, left = words[:1], []
    is_open = _is_letter(words[0])
    for gap, word in zip(gaps, words[1:], strict=True):
        is_letter = _is_letter(word)
        if gap == kind and is_open and is_letter:
            joined[-1] += word
        else:
            joined.append(word)
            left.append(gap)
            is_open = is_letter
    return joined, left


def _is_letter(token: str) -> bool:
    return len(token) == 1 and folding().is_cased(token)
