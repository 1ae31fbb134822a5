"""Locked requirements, cut to what the manifests that are left still ask for; no registry is asked.

As `uv pip compile` writes them: each package with its hashes, and after `# via` who asks for it:
a package, or a project with its manifest, `hotpath-go (go_sidecar/pyproject.toml:dev)`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FROM_MANIFEST = re.compile(r"\S+ \(([^():]+)(?::[^()]+)?\)")


@dataclass(frozen=True, slots=True)
class Locked:
    """lines: name, version, hashes. via: who asks for it."""

    name: str
    lines: str
    via: tuple[str, ...]


def prune(tree: Path) -> None:
    """Of all files of requirements/."""
    asked = {
        str(path.relative_to(tree)): names(path.read_text(encoding="utf-8"))
        for path in tree.rglob("pyproject.toml")
    }
    for path in tree.glob("requirements/*.txt"):
        path.write_text(pruned(path.read_text(encoding="utf-8"), asked), encoding="utf-8")


def pruned(text: str, asked: dict[str, set[str]]) -> str:
    """asked: by manifest, as a path from the root, the packages that it names."""
    packages = parsed(text)

    kept: set[str] = set()

    def holds(package: Locked, asker: str) -> bool:
        if found := FROM_MANIFEST.fullmatch(asker):
            return package.name in asked.get(found[1], ())
        return asker in kept or asker.startswith("-r ")

    while more := {
        package.name
        for package in packages
        if package.name not in kept and any(holds(package, via) for via in package.via)
    }:
        kept |= more

    def stays(package: Locked, asker: str) -> bool:
        return holds(package, asker) or asker.startswith("-c ")  # that only says which version

    return "".join(
        _written(package, [via for via in package.via if stays(package, via)])
        for package in packages
        if package.name in kept
    )


def parsed(text: str) -> list[Locked]:
    packages = []
    for entry in re.split(r"^(?=\w)", text, flags=re.M)[1:]:
        lines, _, via = entry.partition("    # via")
        name = normalized(re.split(r"[=\[ ]", entry, maxsplit=1)[0])
        packages.append(Locked(name, lines, tuple(re.findall(r"^(?: {4}#  )? (\S.*)$", via, re.M))))
    return packages


def _written(package: Locked, via: list[str]) -> str:
    if len(via) == 1:
        return f"{package.lines}    # via {via[0]}\n"
    return "\n".join([f"{package.lines}    # via", *(f"    #   {each}" for each in via)]) + "\n"


def names(manifest: str) -> set[str]:
    """Of all packages that a pyproject.toml asks for, in whatever group."""
    return {normalized(re.split(r"[^\w.-]", text, maxsplit=1)[0]) for text in _asked(manifest)}


def _asked(manifest: str) -> Iterator[str]:
    document: dict[str, Any] = tomllib.loads(manifest)
    project = document.get("project", {})
    for group in (
        document.get("build-system", {}).get("requires", []),
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *document.get("dependency-groups", {}).values(),
    ):
        yield from (text for text in group if isinstance(text, str))


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
