"""`hotpath new-kernel`: all that a kernel needs, on every engine that is there, but its bodies."""

from __future__ import annotations

import builtins
import keyword
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain import Domain

TEMPLATES = Path(__file__).parent / "kernel"
ALWAYS = "domain"  # the templates that no engine decides about
RESERVED = {
    "Rust": "as async await break const continue crate dyn else enum extern false fn for gen if "
    "impl in let loop match mod move mut pub ref return self static struct super trait true type "
    "unsafe use where while abstract become box do final macro override priv try typeof unsized "
    "virtual yield union testing boundary packed python share",
    "Go": "break case chan const continue default defer else fallthrough for func go goto if "
    "import interface map package range return select struct switch type var any append cap "
    "clear close copy delete error false iota len make max min new nil print string true",
    "Cython": "cdef cimport cpdef ctypedef cppclass gil include nogil readonly sizeof",
    "C": "auto char double extern float goto int long register short signed static struct switch "
    "typedef union unsigned void volatile main",
}


class RefusedError(Exception):
    """What was asked for cannot be; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Edit:
    """place: where the text goes in a file that is there; None for a new one."""

    path: str
    place: str | None
    text: str


def check_name(name: str) -> None:
    """Raises: RefusedError where it is no name for a function in each of the languages."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name.endswith("_") or "__" in name:
        raise RefusedError(
            "name: expected a lower-case identifier of at most 40 characters, such as "
            f"'nearest', got {ascii(name)[:60]}"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise RefusedError(f"name: expected no word of Python, got '{name}'")
    for language, words in RESERVED.items():
        if name in words.split():
            raise RefusedError(f"name: expected no word of {language}, got '{name}'")


def edits(name: str, domain: str, engines: Sequence[str], project: str) -> list[Edit]:
    """All that the templates of these engines ask for. project: the distribution's name."""
    words = {
        "name": name,
        "Name": "".join(part.title() for part in name.split("_")),
        "camel": re.sub(r"_(.)", lambda found: found[1].upper(), name),
        "domain": domain,
        "project": project,
    }
    found = []
    for group in (ALWAYS, *engines):
        template = TEMPLATES / f"{group}.txt"
        if template.exists():
            found += list(_edits(template.read_text(encoding="utf-8"), words))
    return found


def _edits(template: str, words: Mapping[str, str]) -> Iterator[Edit]:
    """A template is a row of texts, each under a line `=== PATH` or `=== PATH | PLACE`."""
    for part in re.split(r"^=== ", Template(template).substitute(words), flags=re.M)[1:]:
        head, _, text = part.partition("\n")
        path, _, place = head.partition(" | ")
        yield Edit(path, place or None, text.rstrip("\n") + "\n")


def applied(root: Path, wanted: Sequence[Edit]) -> dict[Path, str]:
    """By file its content to be; nothing is written.

    Raises: RefusedError where a new file is there already, or a place is not found.
    """
    contents: dict[Path, str] = {}
    for edit in wanted:
        path = root / edit.path
        if edit.place is None and path.exists():
            raise RefusedError(f"name: expected a new one, but there is {edit.path}")
        if edit.place is None:
            contents[path] = edit.text
        elif path in contents or path.exists():
            content = contents.get(path) or path.read_text(encoding="utf-8")
            contents[path] = _inserted(content, edit, edit.place)
        else:
            raise RefusedError(f"{edit.path}: expected it to be there")
    return contents


def _inserted(content: str, edit: Edit, place: str) -> str:
    """place: `end`; `before TEXT` or `after TEXT`, the first and the last line that begins so;
    `sorted TEXT`, in order among the lines that begin so."""
    how, _, start = place.partition(" ")
    lines = content.splitlines(keepends=True)
    if how == "end":
        return content.rstrip("\n") + "\n" + edit.text
    places = [number for number, line in enumerate(lines) if line.startswith(start)]
    if not places:
        raise RefusedError(f"{edit.path}: expected a line that begins with {start!r}")
    if how == "sorted":
        later = [number for number in places if lines[number] > edit.text]
        at = later[0] if later else places[-1] + 1
    else:
        at = places[0] if how == "before" else places[-1] + 1
    return "".join([*lines[:at], edit.text, *lines[at:]])


def make(root: Path, name: str, domain: Domain) -> list[str]:
    """Writes the files, and the stubs and the OpenAPI document that are made from them.

    Returns: what was done, a file each. Raises: RefusedError, before anything is written.
    """
    check_name(name)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "name"
    ]
    engines = [spec.name for spec in domain.engines]
    contents = applied(root, edits(name, domain.name, engines, project))
    done = []
    for path, content in contents.items():
        done.append(f"{'edited' if path.exists() else 'new   '}  {path.relative_to(root)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    bin_ = Path(sys.executable).parent
    # The order of imports depends on the name.
    python = [path for path in contents if path.suffix == ".py"]
    subprocess.run([bin_ / "ruff", "check", "-q", "--fix", "--select", "I", *python], check=True)
    subprocess.run([bin_ / "ruff", "format", "-q", *python], check=True)
    for engine in (*root.glob("native/*/check"), *root.glob("*/check")):
        subprocess.run([engine, "format"], check=True)
    if (root / "proto").exists():
        subprocess.run([root / "proto" / "generate"], check=True)
        done.append("made    the stubs of proto/")
    document = root / "docs" / "openapi.json"
    printed = subprocess.run([bin_ / project, "openapi"], check=True, capture_output=True)
    document.write_bytes(printed.stdout)
    done.append("made    docs/openapi.json")
    return done
