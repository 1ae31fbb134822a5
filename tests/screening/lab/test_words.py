"""What measures knows nothing of what is measured."""

from __future__ import annotations

import re
from pathlib import Path

from service.screening.engines import ENGINES
from service.screening.scenarios import FIRST

LOADTESTS = Path(__file__).parents[3] / "loadtests"
WORDS = ["payment", "watchlist", "iban", "screening", "cutoff"]
NAMES = [scenario.name for scenario in FIRST]
VARIANTS = [f"{spec.name}-{offload}" for spec in ENGINES for offload in spec.offloads]


def test_loadtests_name_neither_the_sample_nor_its_variants():
    word = re.compile(rf"{'|'.join(WORDS)}|\b({'|'.join(NAMES + VARIANTS)})\b", re.I)
    sources = [path for path in LOADTESTS.rglob("*") if path.suffix in (".py", ".md", ".html")]
    assert len(sources) > 50
    found = {
        f"{path.relative_to(LOADTESTS)}: {match[0]}"
        for path in sources
        for match in word.finditer(path.read_text())
    }
    assert found == set()
