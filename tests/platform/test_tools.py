"""`make setup` where a compiler is missing or too old: which, and how to come by one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = sorted([*ROOT.glob("native/*/check"), *ROOT.glob("*/check")])
NEEDED = ("bash", "cut", "dirname", "env", "head", "sed", "sort", "cat")
OLD: dict[str, tuple[str, str]] = {
    # engine: rust
    "rust": ("cargo", "cargo 1.60.0 (d1fd9fe2c 2022-03-01)"),
    # engine: end
    # engine: go
    "go": ("go", "go1.18"),
    # engine: end
}


def tools(check: Path, copy: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Asks for them in a copy, which has no environment beside it that might bring them."""
    there = copy / check.relative_to(ROOT)
    there.parent.mkdir(parents=True)
    for file in (check, *check.parent.glob("*.toml"), *check.parent.glob("go.mod")):
        shutil.copy(file, there.parent)
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests/checks.sh", copy / "tests")
    return subprocess.run(
        [there, "tools"],
        env={"PATH": str(path), "HOME": str(copy)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH that has no compiler."""
    found = tmp_path / "bin"
    found.mkdir()
    for name in NEEDED:
        program = shutil.which(name)
        assert program, name
        (found / name).symlink_to(program)
    return found


def test_a_missing_compiler_is_named_with_where_to_get_it(path: Path, tmp_path: Path) -> None:
    for check in CHECKS:
        done = tools(check, tmp_path / check.parent.name, path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("setup: engine ")
        assert "expected " in done.stderr
        assert "install " in done.stderr


def test_a_compiler_that_is_too_old_is_named_with_its_version(path: Path, tmp_path: Path) -> None:
    for engine, (program, version) in OLD.items():
        (path / program).write_text(f"#!{path}/bash\necho '{version}'\n")
        (path / program).chmod(0o755)
        (check,) = (check for check in CHECKS if engine in check.parent.name.split("_"))
        done = tools(check, tmp_path / engine, path)
        number = version.removeprefix(program).split()[0]
        assert done.returncode == 1
        assert f"setup: engine {engine}: expected {program} " in done.stderr
        assert "or newer" in done.stderr
        assert f"got {number}" in done.stderr


# engine: rust
def test_a_folder_that_maturin_cannot_build_in_is_refused(path, tmp_path) -> None:
    (path / "cargo").write_text(f"#!{path}/bash\necho 'cargo 99.0.0'\n")
    (path / "cargo").chmod(0o755)
    check = ROOT / "native/rust/check"
    assert tools(check, tmp_path / "with space", path).returncode == 0
    done = tools(check, tmp_path / "100%", path)
    assert done.returncode == 1
    assert "expected a folder without % in its path" in done.stderr


# engine: end
