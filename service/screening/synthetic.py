"""A synthetic watchlist, the same for the same seed, in the OFAC SDN format."""

from __future__ import annotations

import os
import random
from pathlib import Path

END_MARK = b"\x1a"  # DOS end of file; the Treasury's files close with it
NULL = "-0- "
NAMES = 20_000
SEED = 20_240_229

_ONSETS = [
    "b",
    "br",
    "ch",
    "d",
    "dr",
    "f",
    "g",
    "gh",
    "h",
    "j",
    "k",
    "kh",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "q",
    "r",
    "s",
    "sh",
    "sl",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "y",
    "z",
    "zh",
]
_VOWELS = ["a", "a", "a", "e", "e", "i", "i", "o", "o", "u", "ai", "au", "ou", "ia", "ei"]
_CODAS = ["", "", "", "", "n", "n", "r", "l", "s", "m", "d", "k", "v", "sh", "rt", "nd", "ng"]
_ACCENTS = str.maketrans("aeioun", "áéíöüñ")
_ACTIVITIES = [
    "TRADING",
    "SHIPPING",
    "MINING",
    "HOLDING",
    "IMPORT",
    "EXPORT",
    "INVESTMENTS",
    "PETROLEUM",
    "LOGISTICS",
]
_FORMS = ["LLC", "LTD.", "S.A.", "CO.", "GMBH", "INC.", "GROUP", "C.V.", "FZE"]


def synthetic_list(names: int, seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(entity number, name) of the entities, then of their aliases, `names` in all.

    About three in seven are entities, half of those persons written `SURNAME, Given`;
    aliases are spelling variants. One name in fifty carries an accent.
    """
    rng = random.Random(seed)

    def word() -> str:
        return "".join(
            rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
            for _ in range(rng.choice((1, 2, 2, 2, 3)))
        )

    surnames = [word() for _ in range(max(names // 10, 1))]
    given = [word() for _ in range(max(names // 20, 1))]

    def entity() -> str:
        if rng.random() < 0.5:
            first = " ".join(rng.choice(given).title() for _ in range(rng.choice((1, 2, 2, 3))))
            name = f"{rng.choice(surnames).upper()}, {first}"
        else:
            words = [rng.choice(surnames).upper() for _ in range(rng.choice((1, 2)))]
            name = " ".join([*words, rng.choice(_ACTIVITIES), rng.choice(_FORMS)])
        return name.translate(_ACCENTS) if rng.random() < 0.02 else name

    def alias(name: str) -> str:
        letters = list(name)
        for _ in range(rng.choice((1, 1, 2, 3))):
            place = rng.randrange(len(letters))
            edit = rng.random()
            if edit < 0.4:
                letters[place] = rng.choice("AEIOUHKYJ")
            elif edit < 0.7:
                letters.insert(place, rng.choice("AEHIY"))
            elif len(letters) > 4:
                del letters[place]
        return "".join(letters)

    count = (names * 3 + 6) // 7
    primary = [(str(1000 + number), entity()) for number in range(count)]
    aliases = [
        (uid, alias(name)) for uid, name in (rng.choice(primary) for _ in range(names - count))
    ]
    return primary, aliases


def write_synthetic(directory: Path, names: int = NAMES, seed: int = SEED) -> None:
    """Writes sdn.csv and alt.csv as the Treasury does: CRLF, `-0- ` for null, 0x1A at the end."""
    primary, aliases = synthetic_list(names, seed)
    directory.mkdir(parents=True, exist_ok=True)
    sdn = [[uid, _quoted(name), *[NULL] * 10] for uid, name in primary]
    alt = [
        [uid, str(number), '"aka"', _quoted(name), NULL]
        for number, (uid, name) in enumerate(aliases, 1)
    ]
    for name, rows in (("sdn.csv", sdn), ("alt.csv", alt)):
        text = "".join(",".join(row) + "\r\n" for row in rows)
        # Whoever reads the file meanwhile finds the old one or the new one, and never half.
        partial = directory / f".{name}.{os.getpid()}"
        partial.write_bytes(text.encode() + END_MARK)
        partial.replace(directory / name)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
