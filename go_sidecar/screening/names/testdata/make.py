"""Makes normalize.json: names and what service.screening.names.normalize makes of them.

Run from the repository's root: python go_sidecar/screening/names/testdata/make.py [--all]
The table that both read has a version of Unicode of its own; that of the Python which runs this
only says which characters are drawn.
--all writes every such character by itself and in a word, for a check by hand (14 MB).
"""

from __future__ import annotations

import json
import random
import sys
import unicodedata
from pathlib import Path

from service.screening.names import MAX_NAME_CHARS, normalize

SCRIPTS = (
    "LATIN",
    "GREEK",
    "CYRILLIC",
    "ARMENIAN",
    "HEBREW",
    "ARABIC",
    "DEVANAGARI",
    "BENGALI",
    "TAMIL",
    "THAI",
    "TIBETAN",
    "GEORGIAN",
    "HANGUL",
    "ETHIOPIC",
    "CHEROKEE",
    "KHMER",
    "MONGOLIAN",
    "HIRAGANA",
    "KATAKANA",
    "CJK",
    "DESERET",
    "ADLAM",
    "FULLWIDTH",
    "HALFWIDTH",
    "COMBINING",
    "MATHEMATICAL",
    "ROMAN",
    "CIRCLED",
    "SUPERSCRIPT",
    "VULGAR",
    "ZERO",
)


def assigned() -> list[str]:
    chars = map(chr, range(sys.maxunicode + 1))
    return [c for c in chars if unicodedata.category(c) not in ("Cn", "Cs", "Co")]


def names(chars: list[str], everything: bool) -> list[str]:
    if everything:
        return [text for c in chars for text in (c, f"Ab{c}c D{c}\u0301")]
    seeded = random.Random(14)
    found = []
    # Characters that change in any step, by themselves and within a word.
    changing = [c for c in chars if normalize(c) != c and unicodedata.category(c)[0] in "LNM"]
    for c in seeded.sample(changing, 1500):
        found += [c, f"Ab{c}c D{c}\u0301"]
    unknown = [chr(p) for p in range(0x20000) if unicodedata.category(chr(p)) in ("Cn", "Co")]
    invisible = [c for c in chars if unicodedata.category(c) in ("Cf", "Cc")]
    for c in [*seeded.sample(unknown, 300), *invisible, *map(chr, range(0xFFF0, 0x10000))]:
        found.append(f"Ab{c}c D{c}\u0301")
    for _ in range(1000):
        pieces = ("S", "A", "é", "Ж", "1", "名", "CO", ".", ". ", " ", ",", "-", "'", "/", "\u200b")
        found.append("".join(seeded.choices(pieces, k=seeded.randint(1, 9))))
    by_script: dict[str, list[str]] = {script: [] for script in SCRIPTS}
    for c in chars:
        script = unicodedata.name(c, "").split(" ")[0]
        if script in by_script:
            by_script[script].append(c)
    others = [c for c in chars if ord(c) < 0x250 or unicodedata.category(c)[0] in "PZCS"]
    for letters in by_script.values():
        for _ in range(80):
            words = [
                "".join(seeded.choices(letters, k=seeded.randint(1, 8)))
                for _ in range(seeded.randint(1, 4))
            ]
            found.append(seeded.choice(others).join(words))
    for _ in range(500):
        found.append("".join(seeded.choices(chars, k=seeded.randint(1, 20))))
    found += ["", " ", "a" * MAX_NAME_CHARS, "\u0301" * MAX_NAME_CHARS, "e\u0301\u0327" * 100]
    return found


def main() -> None:
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"expected Unicode 14.0.0, got {unicodedata.unidata_version}; use Python 3.11")
    everything = "--all" in sys.argv
    vectors = [[name, normalize(name)] for name in names(assigned(), everything)]
    made = f"make.py, Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}"
    out = Path(__file__).with_name("normalize.json")
    lines = ",\n".join(json.dumps(vector) for vector in vectors)
    out.write_text(f'{{"made": {json.dumps(made)}, "vectors": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{out}: {len(vectors)} names")


if __name__ == "__main__":
    main()
