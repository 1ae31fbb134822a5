"""What each character of a name becomes before names are compared: folding.txt, as a table.

All languages read that file, so that one version of Unicode holds, and not the one that each comes
with: what has no character there has none in any of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

SPACE, DOT, TIE, PART = " ", ".", "'", ","
"""What parts words. A DOT also makes single letters one (S.A.), and a TIE parts what is one word
(O'Neill); a PART is all the rest."""

_HANGUL = 0xAC00
_FINALS = 28
_MEDIALS_AND_FINALS = 21 * _FINALS


class Folding(dict[int, str]):
    """A table for str.translate, filled as characters come: bounded by Unicode's 1.1 million."""

    def __init__(self, source: str) -> None:
        lines = [line.split(" ", 1) for line in source.splitlines() if line[0] != "#"]
        _, self.unicode = lines.pop(0)
        self._rules = [rule for _, rule in lines]
        self._first = []
        self._last = []
        for run, _ in lines:
            first, _, last = run.partition("-")
            self._first.append(int(first, 16))
            self._last.append(int(last or first, 16))
        self.letters = frozenset(
            chr(point)
            for first, last, rule in zip(self._first, self._last, self._rules, strict=True)
            if rule == "letter"
            for point in range(first, last + 1)
        )
        """Folded ones of scripts with case."""

    def points(self) -> Iterator[int]:
        """Those that are listed: all others are a PART."""
        for first, last in zip(self._first, self._last, strict=True):
            yield from range(first, last + 1)

    def __missing__(self, point: int) -> str:
        place = bisect_right(self._first, point) - 1
        is_listed = place >= 0 and point <= self._last[place]
        found = self[point] = _folded(point, self._rules[place]) if is_listed else PART
        return found


def _folded(point: int, rule: str) -> str:
    match rule:
        case "keep" | "letter":
            return chr(point)
        case "gone":
            return ""
        case "space":
            return SPACE
        case "dot":
            return DOT
        case "tie":
            return TIE
        case "hangul":
            return _jamo(point - _HANGUL)
    if rule[0] == ">":
        return "".join(chr(int(becomes, 16)) for becomes in rule[2:].split(" "))
    return chr(point + int(rule, 16))


def _jamo(syllable: int) -> str:
    """Source: the Unicode standard, section 3.12, Hangul syllable decomposition."""
    initial, rest = divmod(syllable, _MEDIALS_AND_FINALS)
    medial, final = divmod(rest, _FINALS)
    return chr(0x1100 + initial) + chr(0x1161 + medial) + (chr(0x11A7 + final) if final else "")


@cache
def folding() -> Folding:
    return Folding((files(__package__) / "folding.txt").read_text("ascii"))
