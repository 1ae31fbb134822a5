"""Cuts what belongs to parts of the repository that a project does not have: engines, samples."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator, Set
from pathlib import Path

MARKER = re.compile(r"\s*(?:#|//|<!--) (engine|sample|project):((?: \w+)+)(?: -->)?\s*")

Part = tuple[str, str]
"""What it is and its name: ("engine", "rust")."""


def manifest() -> dict[Part, list[str]]:
    """By part the patterns of the paths that are its own."""
    tables = tomllib.loads(Path(__file__).with_name("parts.toml").read_text(encoding="utf-8"))
    return {(kind, name): paths for kind, names in tables.items() for name, paths in names.items()}


def remove(tree: Path, kind: str, kept: Set[Part]) -> None:
    """The paths of all parts of this kind that are not kept."""
    for part, patterns in manifest().items():
        if part[0] == kind and part not in kept:
            for path in [path for pattern in patterns for path in tree.glob(pattern)]:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def cut_regions(tree: Path, kept: Set[Part]) -> None:
    """Regions of other parts go; of the kept ones the marking lines do."""
    for path, text in texts(tree):
        path.write_text(without_regions(text, kept, str(path.relative_to(tree))), encoding="utf-8")


def without_regions(text: str, kept: Set[Part], file: str) -> str:
    """Regions may lie in each other. Raises: ValueError where one has no begin, or no end."""
    lines: list[str] = []
    opened: list[tuple[str, bool]] = []  # of each its kind, and whether it is kept
    after_cut = False
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if found := MARKER.fullmatch(line):
            kind, names = found[1], found[2].split()
            if names != ["end"]:
                opened.append((kind, any((kind, name) in kept for name in names)))
            elif opened and opened[-1][0] == kind:
                after_cut = not opened.pop()[1]
            else:
                raise ValueError(f"{file}:{number}: expected an open region of {kind}")
        elif all(is_kept for _, is_kept in opened):
            # What is cut between two empty lines leaves one.
            if not (after_cut and line.isspace() and (not lines or lines[-1].isspace())):
                lines.append(line)
            after_cut = False
    if opened:
        raise ValueError(f"{file}: expected the region of {opened[-1][0]} to end")
    return "".join(lines)


def texts(tree: Path) -> Iterator[tuple[Path, str]]:
    """The files that are text, in UTF-8, and no links."""
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and ".git" not in path.parts:
            try:
                yield path, path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
