"""The published pages are those of the stored runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loadtests.bench import ladder, page
from service.screening.benches import BENCHES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("kernels.md", lambda runs, copy: page.write(runs / "kernels.json", copy, BENCHES)),
        ("ladder.md", lambda runs, copy: ladder.write(runs / "standard", copy)),
    ],
)
def test_the_published_pages_are_those_of_the_stored_runs(tmp_path: Path, name: str, made) -> None:
    (tmp_path / "results").symlink_to(ROOT / "docs" / "results")
    copy = Path(shutil.copy(ROOT / "docs" / name, tmp_path))
    made(tmp_path / "results", copy)
    # The link to the raw data is relative to the page, which is another one here.
    stored = (ROOT / "docs" / name).read_text().splitlines()
    fresh = copy.read_text().splitlines()
    differ = [(a, b) for a, b in zip(stored, fresh, strict=True) if a != b]
    assert [a.partition("](")[0] for a, _ in differ] == [b.partition("](")[0] for _, b in differ]
    assert len(differ) <= 1
