"""What belongs to one part: paths, and regions of shared files."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.new import parts

ROOT = Path(__file__).parents[3]
RUST, GO = ("engine", "rust"), ("engine", "go")


def cut(text: str, *kept: parts.Part) -> str:
    return parts.without_regions(text, set(kept), "file")


def test_a_region_goes_with_its_part_and_the_marking_lines_always_do() -> None:
    text = "a\n# engine: rust\nb\n# engine: end\nc\n"
    assert cut(text) == "a\nc\n"
    assert cut(text, RUST) == "a\nb\nc\n"


def test_a_region_of_several_stays_for_any_of_them() -> None:
    text = "# engine: cython rust\na\n# engine: end\n"
    assert cut(text, RUST) == "a\n"
    assert cut(text, GO) == ""


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("    # engine: go", "    # engine: end"),
        ("\t// engine: go", "\t// engine: end"),
        ("<!-- engine: go -->", "<!-- engine: end -->"),
    ],
)
def test_markers_are_comments_of_the_file(begin: str, end: str) -> None:
    assert cut(f"a\n{begin}\nb\n{end}\nc\n") == "a\nc\n"


@pytest.mark.parametrize(
    "line", ["a # engine: go", "# engine: go, of course", "def f(engine: go)", "# engine:go"]
)
def test_what_is_no_line_of_its_own_is_no_marker(line: str) -> None:
    assert cut(f"{line}\n") == f"{line}\n"


def test_regions_in_each_other_stay_where_both_do() -> None:
    text = "# sample: x\na\n# engine: go\nb\n# engine: end\nc\n# sample: end\n"
    assert cut(text) == ""
    assert cut(text, GO) == ""
    assert cut(text, ("sample", "x")) == "a\nc\n"
    assert cut(text, ("sample", "x"), GO) == "a\nb\nc\n"


def test_a_cut_between_empty_lines_leaves_one() -> None:
    assert cut("a\n\n# engine: go\nb\n# engine: end\n\nc\n\n\nd\n") == "a\n\nc\n\n\nd\n"


@pytest.mark.parametrize(
    "text",
    [
        "# engine: go\na\n",
        "a\n# engine: end\n",
        "# engine: go\n# sample: x\n# engine: end\n# sample: end\n",
    ],
)
def test_a_region_without_begin_or_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="region"):
        cut(text)


def test_a_part_takes_its_paths_along(tmp_path: Path) -> None:
    for name in (
        "native/rust/src/lib.rs",
        "native/cython/setup.py",
        "service/app/engines/numpy.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    parts.remove(tmp_path, "engine", {("engine", "cython")})
    assert [path.name for path in sorted(tmp_path.rglob("*")) if path.is_file()] == ["setup.py"]


def test_every_part_has_paths_that_are_there() -> None:
    for part, patterns in parts.manifest().items():
        assert any(list(ROOT.glob(pattern)) for pattern in patterns), part
