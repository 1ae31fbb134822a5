"""What normalisation does to a real list: WATCHLIST=DIR pytest -s tests/screening/test_real_list.py

It prints a table: names that no longer find their own entity at the default cutoff once they are
written otherwise, and how many other entities are hit; by today's rule, and by the one that makes a
space of all that is no letter, number or mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from service.offload.spec import default
from service.packed import CodePoints
from service.screening.contract.index import NameIndex
from service.screening.engines import ENGINES
from service.screening.names import normalize
from service.screening.watchlist import Watchlist

CUTOFF, LIMIT = 0.9, 1000
Rule = Callable[[str], str]


def plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    kinds = [(char, unicodedata.category(char)[0]) for char in folded if char.isprintable()]
    text = "".join(char if kind in "LN" else " " for char, kind in kinds if kind != "M")
    return " ".join(sorted(text.split()))


def plain_with_spaces(name: str) -> str:
    return plain(name.replace("\u00ad", " "))


def hyphenated(name: str) -> str:
    word = max(name.split(), key=len)
    middle = len(word) // 2
    return name.replace(word, f"{word[:middle]}\u00ad{word[middle:]}", 1)


WRITTEN = {
    "as listed": lambda name: name,
    "a soft hyphen in the longest word": hyphenated,
    "dotted, without the dots": lambda name: name.replace(".", "") if "." in name else None,
    "dotted, with spaces for dots": lambda name: name.replace(".", " ") if "." in name else None,
}
RULES: dict[str, Rule] = {"spaces": plain_with_spaces, "today": normalize}


class Outcome(NamedTuple):
    names: int
    lost: int
    others: int


def outcome(real: Watchlist, index: NameIndex, rule: Rule, how: Callable) -> Outcome:
    primary = {entry.uid: entry.name for entry in reversed(real.entries)}
    asked = [(uid, how(name)) for uid, name in primary.items() if how(name) is not None]
    found = hits(index, [rule(name) for _, name in asked])
    entities = [{real.entries[row].uid for row in rows} for rows in found]
    lost = sum(uid not in hit for (uid, _), hit in zip(asked, entities, strict=True))
    others = sum(len(hit - {uid}) for (uid, _), hit in zip(asked, entities, strict=True))
    return Outcome(len(asked), lost, others)


def hits(index: NameIndex, normalized: list[str]) -> list[list[int]]:
    rows, _ = default(ENGINES).load().screen(CodePoints.pack(normalized), index, CUTOFF, LIMIT)
    return [
        [row for row in found if row >= 0]
        for found in rows.reshape(len(normalized), LIMIT).tolist()
    ]


def test_names_are_found_however_they_are_written(real: Watchlist, synthetic: Watchlist) -> None:
    strangers = [entry.name for entry in synthetic.entries]
    table: dict[tuple[str, str], Outcome] = {}
    print(f"\n{'':44}{'names':>8}{'lost':>8}{'others':>12}")
    for which, rule in RULES.items():
        index = NameIndex.build([rule(entry.name) for entry in real.entries])
        for written, how in WRITTEN.items():
            found = table[which, written] = outcome(real, index, rule, how)
            print(f"{which + ': ' + written:44}{found.names:8}{found.lost:8}{found.others:12}")
        hit = sum(map(bool, hits(index, [rule(name) for name in strangers])))
        print(f"{which + ': made-up names':44}{len(strangers):8}{'':8}{hit:12}")
    assert table["today", "as listed"].lost == 0
    soft = table["today", "a soft hyphen in the longest word"]
    assert soft == table["today", "as listed"]
    for written in ("dotted, without the dots", "dotted, with spaces for dots"):
        found = table["today", written]
        assert found.lost <= found.names // 100
