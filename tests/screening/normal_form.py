"""What docs/screening.md says of names, written down again, word by word, by Python's own Unicode.

It holds for the characters that this Python knows; the list of what is ignorable is that of
DerivedCoreProperties.txt, which has not changed since Unicode 9.
"""

from __future__ import annotations

import unicodedata

DEFAULT_IGNORABLE = {
    point
    for first, last in [
        (0x00AD, 0x00AD),
        (0x034F, 0x034F),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    ]
    for point in range(first, last + 1)
}
WHITE_CONTROLS = "\t\n\v\f\r\x85"


def is_known(char: str) -> bool:
    """Whether this Python's Unicode has the character, so that what is said here is true of it."""
    return unicodedata.category(char) != "Cn" or ord(char) in DEFAULT_IGNORABLE


def is_invisible(char: str) -> bool:
    kind = unicodedata.category(char)
    is_control = kind == "Cc" and char not in WHITE_CONTROLS
    return ord(char) in DEFAULT_IGNORABLE or kind == "Cf" or is_control


def folded(char: str) -> str:
    """Letters and numbers, and what parts words: a space, a dot, a tie or a comma."""
    if is_invisible(char):
        return ""
    if char == "´":
        return "'"
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(map(_class, unicodedata.normalize("NFKD", text)))


def _class(char: str) -> str:
    kind = unicodedata.category(char)
    if is_invisible(char) or kind[0] == "M":
        return ""
    if kind[0] in "LN":
        return char
    if kind[0] == "Z" or char in WHITE_CONTROLS:
        return " "
    if char in "./":
        return "."
    return "'" if char in "'`-\u2010\u2018\u2019\u201b" else ","


def normal_form(name: str) -> str:
    text = "".join(map(folded, name))
    compounds: list[list[str]] = []  # tokens that ties part
    gaps: list[str] = []  # what is before each compound
    gap = ""
    for char in text:
        if char not in " .,'":
            if gap or not compounds:
                if compounds and set(gap) == {"'"}:
                    compounds[-1].append("")
                else:
                    compounds.append([""])
                    gaps.append(gap)
                gap = ""
            compounds[-1][-1] += char
        else:
            gap += char
    for means in ("dot", "space"):
        compounds, gaps = _joined(compounds, gaps, means)
    tokens = [token for compound in compounds for token in compound]
    single = [token for token in tokens if is_letter(token)]
    if len(single) > 1:
        tokens = [token for token in tokens if not is_letter(token)] + ["".join(sorted(single))]
    return " ".join(sorted(tokens))


def is_letter(token: str) -> bool:
    return len(token) == 1 and unicodedata.category(token) in ("Ll", "Lu")


def _joined(
    compounds: list[list[str]], gaps: list[str], means: str
) -> tuple[list[list[str]], list[str]]:
    out: list[list[str]] = []
    kept: list[str] = []
    was_letter = False
    for compound, gap in zip(compounds, gaps, strict=True):
        letter = len(compound) == 1 and is_letter(compound[0])
        parts = "," not in gap and ("." in gap if means == "dot" else set(gap) == {" "})
        if out and was_letter and letter and parts:
            out[-1] = [out[-1][0] + compound[0]]
        else:
            out.append(compound)
            kept.append(gap)
        was_letter = letter
    return out, kept
