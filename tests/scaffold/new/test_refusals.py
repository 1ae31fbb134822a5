"""What `hotpath new` refuses: a message with what was expected, exit code 2, and nothing made."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from scaffold.new import project
from scaffold.new.command import new
from tests.scaffold.new.conftest import commit_all, git

GOOD = {"--name": "acme", "--engines": "python,rust"}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two commits, so that it can be shallow."""
    root = tmp_path / "clone"
    root.mkdir()
    (root / "file").touch()
    commit_all(root)
    git(root, "commit", "-q", "--allow-empty", "-m", "more")
    monkeypatch.setattr(project, "ROOT", root)
    return root


def run(*arguments: str | Path, **options: str) -> Result:
    app = typer.Typer()
    app.command()(new)
    wanted = GOOD | {f"--{name}": value for name, value in options.items()}
    given = [part for option in wanted.items() for part in option]
    return CliRunner().invoke(app, [*map(str, arguments), *given])


def assert_refused(result: Result, clone: Path, message: str) -> None:
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert [path.name for path in clone.parent.iterdir() if path != clone] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Acme", "expected a lower-case identifier"),
        ("1st", "expected a lower-case identifier"),
        ("a-b", "expected a lower-case identifier"),
        ("a__b", "expected a lower-case identifier"),
        ("a" * 25, "expected a lower-case identifier"),
        ("", "expected a lower-case identifier"),
        ("../x", "expected a lower-case identifier"),
        ("json", "a module of the standard library"),
        ("lambda", "a word of Python"),
        ("fastapi", "a package that this project uses"),
        ("numpy", "a package that this project uses"),
        ("file", "a folder of this project"),
        ("python3", "a command of the environment"),
    ],
)
def test_names_that_cannot_be_one(clone: Path, name: str, message: str) -> None:
    assert_refused(run(clone.parent / "made", name=name), clone, message)


@pytest.mark.parametrize(
    ("engines", "message"),
    [
        ("python,rsut", "unknown engine 'rsut'; choose some of: reference, python, cython, go"),
        ("rust,go", "expected reference or python among them, got rust, go"),
        (",", "expected reference or python among them, got none"),
    ],
)
def test_engines_that_are_not_there(clone: Path, engines: str, message: str) -> None:
    assert_refused(run(clone.parent / "made", engines=engines), clone, message)


def test_a_sample_that_is_not_there(clone: Path) -> None:
    result = run(clone.parent / "made", sample="shop")
    assert_refused(result, clone, "unknown sample 'shop'; choose one of: screening")


def test_a_clone_with_changes(clone: Path) -> None:
    (clone / "new").touch()
    result = run(clone.parent / "made")
    assert_refused(result, clone, "expected a clean one, got 1 changed or new files, as new")


def test_a_shallow_clone(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shallow = clone / "shallow"
    git(clone, "clone", "-q", "--depth=1", f"file://{clone}", str(shallow))
    monkeypatch.setattr(project, "ROOT", shallow)
    assert_refused(run(clone.parent / "made"), clone, "expected a whole one, got a shallow one")


def test_a_folder_without_git(
    clone: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "ROOT", tmp_path_factory.mktemp("unpacked"))
    assert_refused(run(clone.parent / "made"), clone, "expected a clone with a commit")


def test_a_machine_without_git(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert_refused(run(clone.parent / "made"), clone, "git: expected it to be installed")


def test_a_folder_that_has_something(clone: Path) -> None:
    made = clone.parent / "made"
    made.mkdir()
    (made / "mine").touch()
    result = run(made)
    assert result.exit_code == 2
    assert "expected a new or an empty folder" in result.output
    assert [path.name for path in made.iterdir()] == ["mine"]


def test_a_folder_in_the_clone(clone: Path) -> None:
    assert_refused(run(clone / "made"), clone, "expected a folder outside of the clone")


def test_a_folder_in_one_that_is_not_there(clone: Path) -> None:
    assert_refused(run(clone.parent / "no" / "made"), clone, "to be there")


@pytest.mark.parametrize("arguments", [[], ["made", "--here"]])
def test_a_folder_or_here_and_not_both(clone: Path, arguments: list[str]) -> None:
    assert_refused(run(*arguments), clone, "expected a DIR or --here")


def test_a_step_that_fails_leaves_nothing(clone: Path) -> None:
    result = run(clone.parent / "made", sample="screening")
    assert result.exit_code != 0, "a clone with one empty file is no project"
    assert [path.name for path in clone.parent.iterdir() if path != clone] == []
