"""What is asked of git: a clone's files at its commit, and the commit of what was made."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

from scaffold.new_kernel import RefusedError

# Those of a hook that calls us would point to another repository than the folder does.
OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"}


def git(folder: Path, *arguments: str) -> str:
    """Returns: what it printed. Raises: subprocess.CalledProcessError."""
    return _run(folder, *arguments).decode().strip()


def _run(folder: Path, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
    return subprocess.run(
        ["git", "-C", folder, *arguments],  # noqa: S607 - the user's own, wherever it is
        env=environment,
        check=True,
        capture_output=True,
    ).stdout


def check(root: Path) -> str:
    """Returns: the short name of its commit. Raises: RefusedError where it is no clean, whole
    clone."""
    if shutil.which("git") is None:
        raise RefusedError("git: expected it to be installed, as the project is made from a clone")
    try:
        top = Path(git(root, "rev-parse", "--show-toplevel"))
        commit = git(root, "rev-parse", "--short=12", "HEAD")
    except subprocess.CalledProcessError:
        raise RefusedError(f"{root}: expected a clone with a commit, got no repository") from None
    if top.resolve() != root.resolve():
        raise RefusedError(f"{root}: expected a clone, got a folder of {top}")
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise RefusedError(
            "clone: expected a whole one, got a shallow one; run: git fetch --unshallow"
        )
    if changed := git(root, "status", "--porcelain").splitlines():
        raise RefusedError(
            f"clone: expected a clean one, got {len(changed)} changed or new files, "
            f"as {changed[0].split(maxsplit=1)[1]}; commit them, or git stash -u"
        )
    return commit


def export(root: Path, tree: Path) -> None:
    """Puts the files of the clone's commit into the folder tree."""
    with tarfile.open(fileobj=io.BytesIO(_run(root, "archive", "HEAD"))) as archive:
        archive.extractall(tree, filter="data")


def begin(tree: Path) -> None:
    """Makes it a repository that tracks what is there, whatever the user's git ignores."""
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", "-A", "-f")


def commit(tree: Path, name: str, message: str) -> None:
    """Of what is tracked; what else is there goes."""
    git(tree, "add", "-u")
    git(tree, "clean", "-fdxq")
    git(tree, *identity(tree, name), "commit", "-q", "--no-verify", "--no-gpg-sign", "-m", message)


def identity(folder: Path, name: str) -> tuple[str, ...]:
    """Options that give a neutral author where the user has not told git who they are."""
    try:
        git(folder, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    except subprocess.CalledProcessError:
        return "-c", f"user.name={name}", "-c", f"user.email={name}@localhost"
    return ()


def replace(root: Path, tree: Path, name: str, message: str) -> None:
    """Makes the files of the repository tree those of the clone, in one commit on top of its own.

    What is ignored stays, as an environment does, but in folders that are no more.
    """
    git(root, "fetch", "-q", "--no-tags", str(tree), "HEAD")
    made = git(
        root, *identity(root, name), "commit-tree", "FETCH_HEAD^{tree}", "-p", "HEAD", "-m", message
    )
    gone = _folders(root, "HEAD") - _folders(root, made)
    git(root, "merge", "-q", "--ff-only", made)
    for folder in gone:
        shutil.rmtree(root / folder, ignore_errors=True)


def _folders(root: Path, commit: str) -> set[PurePosixPath]:
    files = git(root, "ls-tree", "-rz", "--name-only", commit).split("\0")
    return {folder for file in files for folder in PurePosixPath(file).parents}
