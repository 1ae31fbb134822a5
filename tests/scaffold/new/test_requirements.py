"""Locked requirements are cut to what the manifests ask for. The texts are as uv writes them."""

from __future__ import annotations

import re
from pathlib import Path

from scaffold.new import requirements

LOCKED = """\
a==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via project (pyproject.toml)
b[extra]==2 ; python_full_version < '3.12' \\
    --hash=sha256:ba
    # via
    #   a
    #   project-go (go/pyproject.toml:dev)
c-d==3 \\
    --hash=sha256:ca
    # via
    #   c-e
    #   project-go (go/pyproject.toml)
c-e==3 \\
    --hash=sha256:cb
    # via c-d
f==1 \\
    --hash=sha256:fa
    # via
    #   -c requirements/dev.txt
    #   -r -
g==1 \\
    --hash=sha256:ga
    # via
    #   -c requirements/dev.txt
    #   c-d
"""


def names(text: str) -> list[str]:
    return re.findall(r"^[\w-]+", text, re.M)


def test_what_only_a_lost_manifest_asked_for_goes_with_all_that_it_asks_for() -> None:
    left = requirements.pruned(LOCKED, {"pyproject.toml": {"a"}})
    assert names(left) == ["a", "b", "f"]
    assert "    # via a\n" in left, "one who asks stands in the line itself"


def test_what_is_still_asked_for_stays_as_it_is() -> None:
    asked = {"pyproject.toml": {"a"}, "go/pyproject.toml": {"b", "c-d"}}
    assert requirements.pruned(LOCKED, asked) == LOCKED


def test_packages_that_ask_for_each_other_go_together() -> None:
    asked = {"pyproject.toml": {"a"}, "go/pyproject.toml": {"b"}}
    assert names(requirements.pruned(LOCKED, asked)) == ["a", "b", "f"], "c-d, c-e, and then g"


def test_a_manifest_asks_in_each_of_its_groups() -> None:
    manifest = """
        [build-system]
        requires = ["maturin>=1.16,<2"]
        [project]
        name = "x"
        dependencies = ["uvicorn[standard]>=0.54", "Uuid_Utils"]
        [project.optional-dependencies]
        lab = ["locust>=2; python_version > '3'"]
        [dependency-groups]
        dev = ["pytest>=9", { include-group = "build" }]
    """
    assert requirements.names(manifest) == {"maturin", "uvicorn", "uuid-utils", "locust", "pytest"}


def test_the_repositorys_own_stay_as_they_are_where_all_manifests_do(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    manifests = [root / "pyproject.toml", *root.glob("*/pyproject.toml")]
    manifests += root.glob("native/*/pyproject.toml")
    for path in [*manifests, *root.glob("requirements/*.txt")]:
        copy = tmp_path / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    requirements.prune(tmp_path)
    for path in root.glob("requirements/*.txt"):
        assert (tmp_path / path.relative_to(root)).read_text() == path.read_text()
