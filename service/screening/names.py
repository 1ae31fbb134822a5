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
        sent = name.encode()
        words, folds, gone = _ascii()
        split = sent.translate(words, gone).split()
        if _ASCII_LETTERS.isdisjoint(split) or sum(map(_ASCII_LETTERS.__contains__, split)) == 1:
            split.sort()
            return b" ".join(split).decode()
        return " ".join(sorted(_joined(sent.translate(folds, gone).decode())))
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ServiceError(
            "invalid_argument",
            f"name: expected Unicode text, got a lone surrogate in {shown(name)}",
        ) from error
    folded = name.translate(folding())
    tokens = _split(folded)
    if _count_letters(tokens) > 1:
        tokens = _joined(folded)
    return " ".join(sorted(tokens))


_ASCII_LETTERS = frozenset(bytes([letter]) for letter in range(ord("a"), ord("z") + 1))


@cache
def _ascii() -> tuple[bytes, bytes, bytes]:
    """For bytes.translate, which is faster than str's: what becomes of ASCII where it does not
    matter what parts words, where it does, and what vanishes."""
    folded = [folding()[point] for point in range(128)]
    folds = "".join(char or SPACE for char in folded)
    words = "".join(_split(char)[0] if _split(char) else SPACE for char in folds)
    gone = bytes(point for point, char in enumerate(folded) if not char)
    return words.encode().ljust(256), folds.encode().ljust(256), gone


def _split(folded: str) -> list[str]:
    return folded.replace(DOT, SPACE).replace(TIE, SPACE).replace(PART, SPACE).split()


def _count_letters(tokens: list[str]) -> int:
    return sum(map(folding().letters.__contains__, tokens))


def _joined(folded: str) -> list[str]:
    """The tokens of a name that has several single letters."""
    if TIE + TIE in folded:
        folded = re.sub(f"{TIE}+", TIE, folded)
    for run in _runs_of_letters(folded.isascii()):
        folded = run.sub(_join, folded)
    tokens = _split(folded)
    if _count_letters(tokens) > 1:
        # Sorting would bring them together, and normalising again would join them.
        letters = folding().letters
        left = "".join(sorted(filter(letters.__contains__, tokens)))
        tokens = [token for token in tokens if token not in letters] + [left]
    return tokens


@cache
def _runs_of_letters(of_ascii: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Those that dots part, then those that spaces do: in `J S.A.` the J is none of them.

    A class of a few characters is much faster than that of all.
    """
    parts = f"{SPACE}{DOT}{TIE}{PART}"
    letters = "a-z" if of_ascii else "".join(folding().letters)
    # One by itself, which no tie makes a part of a word.
    letter = f"(?<![^{parts}])(?<![^{parts}]{TIE})[{letters}](?![^{parts}])(?!{TIE}[^{parts}])"
    dots = f"(?=[{SPACE}{TIE}]*[{DOT}])[{SPACE}{DOT}{TIE}]+"
    return re.compile(f"{letter}(?:{dots}{letter})+"), re.compile(f"{letter}(?:{SPACE}+{letter})+")


def _join(run: re.Match[str]) -> str:
    return "".join(_split(run[0]))
