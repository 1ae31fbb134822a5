"""The published pages are those of the stored runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loadtests.bench import ladder, page

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("kernels.md", lambda copy: page.write(copy.parent / "results/kernels.json", copy)),
        ("ladder.md", lambda copy: ladder.write(copy.parent / "results/standard", copy)),
    ],
)
def test_the_published_pages_are_those_of_the_stored_runs(tmp_path: Path, name: str, made) -> None:
    (tmp_path / "results").symlink_to(ROOT / "docs" / "results")
    copy = Path(shutil.copy(ROOT / "docs" / name, tmp_path))
    made(copy)
    # The link to the raw data is relative to the page, which is another one here.
    stored = (ROOT / "docs" / name).read_text().splitlines()
    fresh = copy.read_text().splitlines()
    differ = [(a, b) for a, b in zip(stored, fresh, strict=True) if a != b]
    assert [a.partition("](")[0] for a, _ in differ] == [b.partition("](")[0] for _, b in differ]
    assert len(differ) <= 1
