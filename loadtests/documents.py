"""Documents whose figures are put in by a generator."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def put_between(document: Path, name: str, content: str) -> None:
    """Replaces what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.

    Raises: ValueError where the document has not exactly one such pair.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    text = document.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{document}: expected one pair of markers, {begin} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    document.write_text(f"{before}{begin}\n{content}\n{end}{after}", encoding="utf-8")


def commit_of(run: Mapping[str, Any]) -> str:
    """The commit of a stored run, in words."""
    commit = run["commit"] or {}
    changes = " with uncommitted changes" if commit.get("dirty") else ""
    return f"commit `{str(commit.get('hash', 'unknown'))[:12]}`{changes}"


if __name__ == "__main__":  # DOCUMENT NAME FILE: shows a text file as it is
    shown_in, marker, file = sys.argv[1:]
    put_between(
        Path(shown_in), marker, f"```text\n{Path(file).read_text(encoding='utf-8').strip()}\n```"
    )
