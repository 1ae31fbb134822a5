"""Writes screen.json; the scores come from RapidFuzz, the hits from plain sorting.

Run: python tests/conformance/vectors/make_screen.py
"""

from __future__ import annotations

import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Jaro, JaroWinkler

RAPIDFUZZ = f"RapidFuzz {version('rapidfuzz')}, JaroWinkler.similarity"
PUBLISHED = "Winkler (1990) and the US Census Bureau's strcmp95.c"
PUBLISHED_PAIRS = [
    ("martha", "marhta", 0.961),
    ("dwayne", "duane", 0.840),
    ("dixon", "dicksonx", 0.813),
    ("dunningham", "cunnigham", 0.896),
    ("abroms", "abrams", 0.922),
]
MARTHA = JaroWinkler.similarity("martha", "marhta")
# Jaro is 7/10 to mathematics; in float64 the first pair ends above 0.7, the others below it.
ABOVE_THE_THRESHOLD = ("abcxy", "abcpqr")
BELOW_THE_THRESHOLD = [
    ("abcdefghijkwxyz", "abcdefghijk" + "0" * 19),
    ("abcdefghijkl", "abcdefghijk" + "0" * 49),
]
MANY = [f"{place:03}" for place in range(130)]


def vector(
    id_: str, comment: str, queries: list[str], names: list[str], cutoff: float, limit: int
) -> dict[str, Any]:
    expected = []
    for query in queries:
        scores = [JaroWinkler.similarity(query, name) for name in names]
        rows = [row for row, score in enumerate(scores) if score >= cutoff]
        rows.sort(key=lambda row: (-scores[row], row))
        expected.append([[row, scores[row]] for row in rows[:limit]])
    return {
        "id": id_,
        "comment": comment,
        "source": RAPIDFUZZ,
        "input": {"queries": queries, "names": names, "cutoff": cutoff, "limit": limit},
        "expected": expected,
    }


def published(query: str, name: str, score: float) -> dict[str, Any]:
    made = vector(f"published_{query}", f"published as {score:.3f}", [query], [name], 0.0, 1)
    assert round(made["expected"][0][0][1], 3) == score
    return made | {"source": f"{PUBLISHED}, to three places; the rest by {RAPIDFUZZ}"}


def vectors() -> list[dict[str, Any]]:
    assert Jaro.similarity(*ABOVE_THE_THRESHOLD) == math.nextafter(0.7, 1)
    assert {Jaro.similarity(*pair) for pair in BELOW_THE_THRESHOLD} == {math.nextafter(0.7, 0)}
    long = ["a" * k for k in (63, 64, 65, 127, 128, 129, 300)]
    alphabet = "abcdefghijklmnopqrstuvwxyz" * 3
    return [
        *(published(*pair) for pair in PUBLISHED_PAIRS),
        vector("no_queries", "", [], ["a"], 0.9, 3),
        vector("no_names", "", ["a", ""], [], 0.0, 3),
        vector(
            "empty_names",
            "two are equal, one alone is unlike",
            ["", "a"],
            ["a", "", "b", ""],
            0.1,
            4,
        ),
        vector(
            "empty_names_at_cutoff_0",
            "what is unlike is a hit, too",
            ["", "a"],
            ["a", "", "b", ""],
            0.0,
            4,
        ),
        vector(
            "ties",
            "equal scores by lower row",
            ["twin"],
            ["twin", "other", "twin", "twinx", "twin"],
            0.9,
            5,
        ),
        vector(
            "ties_at_the_limit",
            "the later row is left out",
            ["twin"],
            ["twins", "twinx", "twin", "twiny"],
            0.9,
            3,
        ),
        vector(
            "ties_of_many_lengths",
            "by row, though the index is sorted by length",
            ["xyz"],
            ["aaaa", "b", "ccccccc", "", "dd"],
            0.0,
            4,
        ),
        vector("limit_beyond_the_list", "", ["ann"], ["anna", "hanna", "ann"], 0.5, 1000),
        vector("cutoff_equals_the_score", "the score is a hit", ["martha"], ["marhta"], MARTHA, 2),
        vector(
            "cutoff_just_above_the_score",
            "by one unit in the last place",
            ["martha"],
            ["marhta"],
            math.nextafter(MARTHA, 1),
            2,
        ),
        vector("cutoff_1", "equal names only", ["martha"], ["marhta", "martha", "marthas"], 1.0, 3),
        vector(
            "prefix_threshold_above",
            "Jaro is the next number after 0.7: with bonus",
            [ABOVE_THE_THRESHOLD[0]],
            [ABOVE_THE_THRESHOLD[1]],
            0.75,
            1,
        ),
        vector(
            "prefix_threshold_below",
            "Jaro is the last number before 0.7: no bonus",
            [a for a, _ in BELOW_THE_THRESHOLD],
            [b for _, b in BELOW_THE_THRESHOLD],
            0.6,
            2,
        ),
        vector(
            "prefix_of_four",
            "a fifth equal letter earns nothing",
            ["abcdefgh"],
            ["abcdxfgh", "abcdexgh", "abcxefgh", "xbcdefgh"],
            0.0,
            4,
        ),
        vector(
            "transpositions_of_odd_count",
            "three letters out of order are one transposition",
            ["abcdef"],
            ["bcadef", "abdecf", "acbdef"],
            0.0,
            3,
        ),
        vector(
            "reach_of_nothing",
            "letters of short names match in place only",
            ["ab", "abc"],
            ["ba", "ab", "bca", "cba"],
            0.0,
            4,
        ),
        vector(
            "one_letter_across_the_word",
            "lengths about 64 and 128",
            [long[1], long[4], "a"],
            long,
            0.0,
            7,
        ),
        vector(
            "long_names",
            "matches beyond the first word",
            [alphabet],
            [alphabet[:-1] + "a", alphabet[::-1], alphabet[1:], "x" * 78],
            0.0,
            4,
        ),
        vector(
            "astral",
            "code points, not UTF-16 units or bytes",
            ["\U0001f600x", "\U00020000\U0001f600"],
            ["x\U0001f600", "\U0001f600x", "\U0001f600y", "\U00020000"],
            0.0,
            4,
        ),
        vector(
            "one_bin",
            "different code points with the same low bits",
            ["aaa", "\u0101bc"],
            ["AAA", "aaA", "\u0101BC", "abc", "!!!"],
            0.0,
            5,
        ),
        vector(
            "other_scripts",
            "",
            ["\u6d4b\u8bd5", "\u043f\u0435\u0442\u0440"],
            ["\u8bd5\u6d4b", "\u6d4b\u8bd5", "\u043f\u0451\u0442\u0440", "petr"],
            0.1,
            4,
        ),
        vector(
            "many_names",
            "hits in three words of a plane, many of them equal",
            ["064", "129", "000"],
            MANY,
            0.7,
            12,
        ),
        vector(
            "queries_apart",
            "neighbours in a batch do not leak into each other",
            ["jones", "", "johnson", "jones"],
            ["johnson", "jones", ""],
            0.8,
            2,
        ),
    ]


def main() -> None:
    source = (
        f"Scores by {RAPIDFUZZ}; hits by brute force; made by make_screen.py. "
        "The expected hits of each query are [row, score], best first; unused places are left out."
    )
    lines = ",\n".join(f"    {json.dumps(made)}" for made in vectors())
    Path(__file__).with_name("screen.json").write_text(
        f'{{\n  "kernel": "screen",\n  "source": {json.dumps(source)},\n'
        f'  "vectors": [\n{lines}\n  ]\n}}\n'
    )


if __name__ == "__main__":
    main()
