"""What a project may be called, and giving it that name everywhere."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from scaffold.new import PROJECT
from scaffold.new.parts import texts
from scaffold.new_kernel import RefusedError

MAX_LENGTH = 24


def check(name: str, root: Path) -> None:
    """Raises: RefusedError where it is no name for packages, settings and a command, or is one
    that something else has."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > MAX_LENGTH:
        raise RefusedError(
            f"name: expected a lower-case identifier of at most {MAX_LENGTH} characters, such as "
            f"'acme', got {ascii(name)[:60]}"
        )
    commands = {path.name for path in Path(sys.executable).parent.iterdir()} - {PROJECT}
    taken = {
        "a word of Python": set(keyword.kwlist) | set(keyword.softkwlist),
        "a module of the standard library": sys.stdlib_module_names,
        "a folder of this project": {path.name for path in root.iterdir()},
        "a package that this project uses": {
            part.lower().replace("-", "_")
            for package, distributions in packages_distributions().items()
            for part in (package, *distributions)
        },
        "a command of the environment": {command.replace("-", "_") for command in commands},
    }
    for what, names in taken.items():
        if name in names:
            raise RefusedError(f"name: expected one that is free, got {what}: '{name}'")


def rename(tree: Path, name: str) -> None:
    """In contents, and in names of files and folders; but a licence says whose work it is."""
    for path, text in texts(tree):
        if path != tree / "LICENSE":
            path.write_text(renamed(text, name), encoding="utf-8")
    for path in sorted(tree.rglob(f"*{PROJECT}*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name(renamed(path.name, name)))


def renamed(text: str, name: str) -> str:
    """`hotpath`, `HOTPATH` and `Hotpath` are replaced in kind; `hotpath-` is for names that have no
    underscores: those of distributions and images."""
    text = text.replace(f"{PROJECT}-", f"{name.replace('_', '-')}-")
    for form in (str.lower, str.upper, str.capitalize):
        text = text.replace(form(PROJECT), form(name))
    return text
