"""Commands where the machine has less: no home, no place to write, a terminal of few characters."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service import cache
from service.errors import ServiceError
from tests.platform.running import TOY, hotpath

ROOT = Path(__file__).parents[2]
COMMANDS = (
    *(("engines",), ("openapi",), ("db", "upgrade"), ("db", "prune"), ("serve", "--help"), ("nö",)),
)
TERMINALS = (
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)


def bare(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command with nothing in its environment that it was not given."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOTPATH_DOMAIN": TOY}
        | environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("home", [{}, {"HOME": "/proc"}, {"HOME": "/nowhere"}], ids=str)
def test_commands_need_no_home(home: dict[str, str], tmp_path: Path) -> None:
    for command in COMMANDS:
        done = bare(*command, folder=tmp_path, **home)
        assert b"Traceback" not in done.stderr
        assert done.returncode == (2 if command == ("nö",) else 0), done.stderr


@pytest.mark.parametrize("terminal", TERMINALS, ids=str)
def test_a_terminal_of_few_characters_ends_no_command(terminal, tmp_path: Path) -> None:
    for command in COMMANDS:
        done = bare(*command, folder=tmp_path, HOME=str(tmp_path), **terminal)
        assert b"Traceback" not in done.stderr
        assert done.returncode == (2 if command == ("nö",) else 0), done.stderr


def test_the_cache_is_the_users_and_else_a_folder_of_this_user_alone(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.directory() == tmp_path / "xdg" / "hotpath"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.directory() == tmp_path / ".cache" / "hotpath"
    monkeypatch.setenv("HOME", "/proc")
    own = cache.directory()
    assert own == tmp_path / "temporary" / f"hotpath-{os.getuid()}"
    assert own.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_somebody_else_put_there_is_not_used(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/proc")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    theirs = tmp_path / f"hotpath-{os.getuid()}"
    theirs.symlink_to(tmp_path)
    with pytest.raises(ServiceError, match=r"XDG_CACHE_HOME .*not this user's own folder"):
        cache.directory()


def test_a_port_that_cannot_be_had_and_a_file_that_cannot_be_written_are_said(tmp_path) -> None:
    domain = (
        "import os\nfrom tests.platform.toy import DOMAIN as TOY\nfrom dataclasses import replace"
    )
    command = "def write(path: str) -> None:\n    open(path, 'w')\n"
    (tmp_path / "writing.py").write_text(
        f"{domain}\n{command}DOMAIN = replace(TOY, commands={{'write': 'writing:write'}})\n"
    )
    here = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "HOTPATH_DOMAIN": "writing:DOMAIN"}
    done = hotpath("write", "/proc/x", expect=1, **here)
    assert done.stderr == b"error: /proc/x: No such file or directory\n"


def texts_of_the_locale(path: Path) -> list[int]:
    """The lines that read or write a text as the user's locale has it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        given = {word.arg for word in node.keywords}
        is_process = name in ("run", "Popen", "check_output") and "text" in given
        is_text = is_process or name in ("read_text", "write_text")
        if is_text and "encoding" not in given and not (name == "read_text" and node.args):
            found.append(node.lineno)
    return found


def test_texts_are_utf_8_wherever_the_program_runs() -> None:
    lines = {
        str(path.relative_to(ROOT)): found
        for folder in ("service", "loadtests", "scaffold", "go_sidecar", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if "tests" not in path.parts and (found := texts_of_the_locale(path))
    }
    assert lines == {}
