"""The steps from a clone to a project. It is built aside, and then takes its place in one step."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from scaffold.new import PROJECT, clone, naming, parts, requirements
from scaffold.new_kernel import RefusedError

ROOT = Path(__file__).parents[2]
OVERLAY = "examples/one_kernel"
ALWAYS = ("reference", "python")
"""The engines of every project: what the tests compare with, and what runs everywhere."""


@dataclass(frozen=True, slots=True)
class Choice:
    """engines: of whatever order, ALWAYS among them or not. sample: None for the domain of
    OVERLAY."""

    name: str
    engines: tuple[str, ...]
    sample: str | None = None

    def kept(self) -> set[parts.Part]:
        return {("sample", self.sample or ""), *(("engine", engine) for engine in self.engines)}

    def check(self, root: Path) -> None:
        """Raises: RefusedError for what there is not."""
        naming.check(self.name, root)
        known = {
            kind: sorted(name for of, name in parts.manifest() if of == kind)
            for kind in ("engine", "sample")
        }
        for engine in self.engines:
            if engine not in (*ALWAYS, *known["engine"]):
                raise RefusedError(
                    f"unknown engine {ascii(engine)[:40]}; choose some of: "
                    + ", ".join([*ALWAYS, *known["engine"]])
                )
        if not set(ALWAYS) & set(self.engines):
            raise RefusedError(
                f"engines: expected {' or '.join(ALWAYS)} among them, "
                f"got {', '.join(self.engines) or 'none'}"
            )
        if self.sample is not None and self.sample not in known["sample"]:
            raise RefusedError(
                f"unknown sample {ascii(self.sample)[:40]}; choose one of: "
                + ", ".join(known["sample"])
            )


def make(root: Path, directory: Path, choice: Choice) -> None:
    """A new project in directory. Raises: RefusedError, and then there is nothing of it."""
    directory = directory.absolute()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise RefusedError(f"DIR: expected a new or an empty folder, got {directory}")
    if directory.resolve().is_relative_to(root.resolve()):
        raise RefusedError(f"DIR: expected a folder outside of the clone, got {directory}")
    if not directory.parent.is_dir():
        raise RefusedError(f"DIR: expected {directory.parent} to be there")
    commit = _checked(root, choice)
    with _aside(directory.parent) as tree:
        _build(root, tree, choice, commit)
        tree.rename(directory)


def make_here(root: Path, choice: Choice) -> None:
    """The clone itself becomes the project, by one commit. Raises: as make does."""
    commit = _checked(root, choice)
    with _aside(None) as tree:
        _build(root, tree, choice, commit)
        clone.replace(root, tree, choice.name, _message(choice, commit))


def _checked(root: Path, choice: Choice) -> str:
    choice.check(root)
    commit = clone.check(root)
    for tool in ("python", "ruff"):
        if not (Path(sys.prefix) / "bin" / tool).exists():
            raise RefusedError(f"{tool}: expected it in {sys.prefix}; run: make setup")
    return commit


@contextmanager
def _aside(folder: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f".{PROJECT}-new-", dir=folder) as aside:
        tree = Path(aside, "tree")
        tree.mkdir()
        yield tree


def _message(choice: Choice, commit: str) -> str:
    return f"{choice.name}, made from {PROJECT} {commit}"


def _build(root: Path, tree: Path, choice: Choice, commit: str) -> None:
    clone.export(root, tree)
    kept = choice.kept()
    parts.remove(tree, "sample", kept)
    if choice.sample is None:
        _lay(tree, tree / OVERLAY)
    parts.remove(tree, "engine", kept)
    parts.remove(tree, "project", kept)
    parts.cut_regions(tree, kept)
    _drop_figures(tree)
    requirements.prune(tree)
    naming.rename(tree, choice.name)
    words = {
        "name": choice.name,
        "PREFIX": choice.name.upper(),
        "engines": ", ".join(dict.fromkeys((*ALWAYS, *choice.engines))),
        "commit": commit,
    }
    for page in ("README.md", "CHANGELOG.md"):
        template = Template(Path(__file__).with_name(page).read_text(encoding="utf-8"))
        (tree / page).write_text(template.substitute(words), encoding="utf-8")
    clone.begin(tree)
    _derive(tree)
    clone.commit(tree, choice.name, _message(choice, commit))


def _lay(tree: Path, overlay: Path) -> None:
    """Puts the domain of the overlay in place, and its folder's name where the sample's stood."""
    samples = "|".join(name for kind, name in parts.manifest() if kind == "sample")
    (domain,) = (path.parent.name for path in overlay.glob("service/*/__init__.py"))
    named = re.compile(rf"\b(service|tests|go_sidecar)([./])(?:{samples})\b")
    for path, text in parts.texts(tree):
        path.write_text(named.sub(rf"\1\2{domain}", text), encoding="utf-8")
    shutil.copytree(overlay, tree, dirs_exist_ok=True)


def _drop_figures(tree: Path) -> None:
    """Those of stored runs, which the project does not have: its own runs fill the places."""
    for page in tree.glob("docs/*.md"):
        page.write_text(
            re.sub(
                r"(<!-- (\w+):begin -->\n).*?(<!-- \2:end -->)",
                r"\1Not measured yet.\n\3",
                page.read_text(encoding="utf-8"),
                flags=re.S,
            ),
            encoding="utf-8",
        )


def _derive(tree: Path) -> None:
    """Makes anew what is made from sources: formatting, stubs, the OpenAPI document."""
    (tree / ".venv").symlink_to(sys.prefix)
    bin_ = tree / ".venv/bin"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "RUFF_NO_CACHE": "true"}

    def run(*command: str | Path) -> bytes:
        return subprocess.run(
            command, cwd=tree, env=environment, check=True, capture_output=True
        ).stdout

    if (tree / "proto").exists():
        run(tree / "proto/generate")
    # The name decides about the order of imports, and about how long a line is.
    run(bin_ / "ruff", "check", "-q", "--fix-only", ".")
    run(bin_ / "ruff", "format", "-q", ".")
    _allow_long_lines(
        tree,
        subprocess.run(
            [bin_ / "ruff", "check", "--select", "E501", "--output-format", "concise"],
            cwd=tree,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            encoding="utf-8",
        ).stdout,
    )
    for check in [*tree.glob("native/*/check"), *tree.glob("*/check")]:
        run(check, "format")
    document = run(bin_ / "python", "-m", "service.cli", "openapi")
    (tree / "docs/openapi.json").write_bytes(document)
    (tree / ".venv").unlink()


def _allow_long_lines(tree: Path, found: str) -> None:
    """Comments and texts do not break by themselves where a long name makes them too long.

    found: what ruff says of them, `path:line:column: E501 ...` each.
    """
    if files := sorted(set(re.findall(r"^(.+?):\d+:\d+: E501", found, re.M))):
        with (tree / "pyproject.toml").open("a", encoding="utf-8") as manifest:
            manifest.write("\n[tool.ruff.lint.extend-per-file-ignores]\n")
            manifest.write("# Texts that the name made longer.\n")
            manifest.writelines(f'"{file}" = ["E501"]\n' for file in files)
