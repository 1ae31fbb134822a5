"""`new-kernel` inserts into few files, and writes nothing where it refuses."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from scaffold.new_kernel import Edit, RefusedError, applied, check_name, edits, make
from service.wiring import DOMAIN

ROOT = Path(__file__).parent.parent.parent
ENGINES = [spec.name for spec in DOMAIN.engines]


def project() -> str:
    return DOMAIN.engines[0].distribution


@pytest.mark.parametrize("name", ["squares", "a", "zigzag_2"])
def test_files_that_are_there_are_edited_by_insertion_and_at_most_eight(name: str) -> None:
    contents = applied(ROOT, edits(name, DOMAIN.name, ENGINES, project()))
    there = {path: content for path, content in contents.items() if path.exists()}
    assert 0 < len(there) <= 8
    for path, content in there.items():
        before, after = path.read_text().splitlines(), content.splitlines()
        kinds = {line[:2] for line in difflib.ndiff(before, after)}
        assert "- " not in kinds, path
        assert "+ " in kinds, path
    assert len(contents) > len(there)


def test_an_engine_that_is_not_there_gets_nothing() -> None:
    wanted = edits("squares", DOMAIN.name, ["reference", "python"], project())
    assert not [edit.path for edit in wanted if edit.path.split("/")[0] in ("native", "proto")]


@pytest.mark.parametrize(
    "name",
    ["", "2nd", "Nearest", "near-est", "a__b", "a_", "x" * 41, "naïve", "../up", "lambda", "match",
     "print", "impl", "func", "nogil", "int", "share"],
)  # fmt: skip
def test_a_name_that_is_none_in_one_of_the_languages_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match=r"^name: expected "):
        check_name(name)


def test_a_kernel_that_is_there_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    there = tmp_path / "service/one/engines/reference/squares.py"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    wanted = [edit for edit in edits("squares", "one", [], "p") if edit.path.endswith("squares.py")]
    with pytest.raises(RefusedError, match=r"engines/reference/squares\.py"):
        applied(tmp_path, wanted)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["squares.py"]
    assert there.read_text() == "mine"


def test_a_refused_name_leaves_the_project_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        make(tmp_path, "while", DOMAIN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("end", "b\nd\nc\n"),
        ("before b", "c\nb\nd\n"),
        ("after b", "b\nc\nd\n"),
    ],
)
def test_a_text_goes_to_its_place(tmp_path: Path, place: str, expected: str) -> None:
    (tmp_path / "file").write_text("b\nd\n")
    assert applied(tmp_path, [Edit("file", place, "c\n")]) == {tmp_path / "file": expected}


def test_sorted_lines_stay_sorted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("top\nx a\nx c\nend\n")
    for text, expected in (
        ("x b\n", "top\nx a\nx b\nx c\nend\n"),
        ("x d\n", "top\nx a\nx c\nx d\nend\n"),
    ):
        assert applied(tmp_path, [Edit("file", "sorted x", text)])[tmp_path / "file"] == expected


def test_a_place_that_is_not_found_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a\n")
    with pytest.raises(RefusedError, match="file: expected a line that begins with 'zebra'"):
        applied(tmp_path, [Edit("file", "after zebra", "c\n")])
