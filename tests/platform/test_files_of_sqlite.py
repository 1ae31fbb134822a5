"""A file that SQLite cannot use: every command says what it is of, and of which file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platform.running import TOY, hotpath
from tests.servers import free_port

COMMANDS = (("db", "upgrade"), ("db", "prune"), ("serve",))


def unprivileged(*arguments: str, url: str) -> str:
    """What the command says to a user whom permissions hold for, as they don't for root."""
    # A root without its capabilities is the owner of its files, and no more.
    held = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*held, sys.executable, "-m", "service.cli", *arguments],
        env=os.environ | {"HOTPATH_DATABASE_URL": url, "HOTPATH_DOMAIN": TOY},
        capture_output=True,
        timeout=120,
        check=False,
    )
    words = done.stderr.decode()
    assert done.returncode == 1, words
    assert "Traceback" not in words
    return words


def with_port(command: tuple[str, ...]) -> tuple[str, ...]:
    return command if command[0] == "db" else (*command, "--port", str(free_port()))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_file_of_sqlites_is_called_that(command, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").write_bytes(b"no database " * 1000)
    for name, words, more in (
        ("missing/x.db", "cannot be opened", f"there is no folder {tmp_path}/missing"),
        ("folder", "cannot be opened", "it is a folder, not a file"),
        ("other", "is not a database, or is damaged", "file is not a database"),
    ):
        done = hotpath(
            *with_port(command), expect=1, HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/{name}"
        )
        said = done.stderr.decode()
        assert said.endswith(f"error: the database's file {words}\n")
        assert f"database unavailable: {tmp_path}/{name}: " in said
        assert more in said


def test_what_may_not_be_written_is_called_that(tmp_path: Path) -> None:
    folder = tmp_path / "unwritable"
    folder.mkdir()
    url = f"sqlite:///{folder}/x.db"
    folder.chmod(0o555)
    try:
        said = unprivileged("db", "upgrade", url=url)
        assert "this user may not write, where SQLite keeps its log" in said
        assert said.endswith("error: the database's file cannot be opened\n")
        folder.chmod(0o755)
        hotpath("db", "upgrade", HOTPATH_DATABASE_URL=url)
        (folder / "x.db").chmod(0o444)
        said = unprivileged("db", "prune", url=url)  # which has nothing to do but to write
        assert said.endswith("error: the database is read-only\n")
        assert f"{folder}/x.db" in said
    finally:
        folder.chmod(0o755)
