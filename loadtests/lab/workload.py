"""The requests of a run and the hits that are expected of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from loadtests.lab.scenarios import Scenario

TYPO, EXACT = 0.4, 0.2  # shares of the names; the rest is unrelated to the list
SYLLABLES = ("an", "bel", "cor", "da", "el", "fi", "gor", "hu", "is", "ka", "lo", "mir", "no")
ORACLE_BATCH = 64  # queries scored at once, which bounds the memory taken

Expected = list[list[list[float]]]  # per name, best first: [row, score]


class Entry(Protocol):
    @property
    def row(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def normalized(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Workload:
    """bodies[i] is a request's JSON and expected[i] the hits its answer must have."""

    bodies: list[str]
    expected: list[Expected]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"bodies": self.bodies, "expected": self.expected}))


def build(
    scenario: Scenario, entries: Sequence[Entry], normalize: Callable[[str], str]
) -> Workload:
    """The same requests for the same scenario and list, whatever the variant."""
    dice = random.Random(scenario.seed)
    requests = [[_name(dice, entries) for _ in range(scenario.names)] for _ in range(scenario.pool)]
    queries = [normalize(name) for names in requests for name in names]
    hits = iter(brute_force(queries, entries, scenario.cutoff, scenario.limit))
    return Workload(
        bodies=[
            json.dumps({"names": names, "cutoff": scenario.cutoff, "limit": scenario.limit})
            for names in requests
        ],
        expected=[[next(hits) for _ in names] for names in requests],
    )


def brute_force(
    queries: Sequence[str], entries: Sequence[Entry], cutoff: float, limit: int
) -> list[list[list[float]]]:
    """Per query the best [row, score], by RapidFuzz over the whole list.

    The matrix only preselects, with a margin; each score that is kept comes from
    JaroWinkler.similarity itself, to whose last bit the engines are held.
    """
    import numpy as np
    from rapidfuzz.distance import JaroWinkler
    from rapidfuzz.process import cdist

    names = [entry.normalized for entry in entries]
    found = []
    for start in range(0, len(queries), ORACLE_BATCH):
        batch = queries[start : start + ORACLE_BATCH]
        matrix = cdist(batch, names, scorer=JaroWinkler.similarity, dtype=np.float64, workers=-1)
        for query, scores in zip(batch, matrix, strict=True):
            hits = [
                [entries[i].row, JaroWinkler.similarity(query, names[i])]
                for i in np.flatnonzero(scores >= cutoff - 1e-6).tolist()
            ]
            hits = [hit for hit in hits if hit[1] >= cutoff]
            found.append(sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:limit])
    return found


def _name(dice: random.Random, entries: Sequence[Entry]) -> str:
    kind = dice.random()
    if kind >= TYPO + EXACT:
        return " ".join(
            "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).title() for _ in range(2)
        )
    name = dice.choice(entries).name
    return name if kind < EXACT else _with_typo(dice, name)


def _with_typo(dice: random.Random, name: str) -> str:
    at = dice.randrange(len(name))
    letter = dice.choice("abcdefghijklmnopqrstuvwxyz")
    return dice.choice(
        (
            name[:at] + letter + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + name[at + 1 :],
            name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :],
        )
    )
