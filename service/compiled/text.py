"""Pieces of a compiled route's text, and the objects that it names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class NotCompiled(Exception):
    """Says why FastAPI answers the route."""


class Names(dict[str, Any]):
    """By name, what a text refers to."""

    def add(self, name: str, value: Any) -> str:
        self[name] = value
        return name

    def variable(self) -> str:
        """One that there was not yet, if something is added before the next one is asked for."""
        return f"value_{len(self)}"


def indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    return ["    " * depth + line for line in lines]
