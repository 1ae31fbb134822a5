"""The type of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Outcome:
    """times: how often the fault befell; seen: what came of it, by its name and how often; wrong:
    what must not have been."""

    times: int
    seen: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """befall: takes an empty directory, and how often."""

    name: str
    befall: Callable[[Path, int], Outcome]
    times: int = 100
