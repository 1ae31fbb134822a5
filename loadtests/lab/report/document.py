"""What a report is made of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Entry = tuple[str, str]
"""Of a table: a figure, and its interval or ""."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    words: str


@dataclass(frozen=True, slots=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Facts:
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """kind: "" or "best", "void", "group" (which has a name alone)."""

    name: str
    entries: Sequence[Entry] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """head: of each column its title and unit; the first is that of the rows' names."""

    head: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """name: of its file. draw: for a width in pixels, an Altair chart.
    words: what it shows, for those who cannot see it."""

    name: str
    title: str
    words: str
    draw: Callable[[int], Any]


Part = Text | Bullets | Facts | Table | Chart


@dataclass(frozen=True, slots=True)
class Chapter:
    anchor: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Document:
    """answer: the sentences that come first. problems: why not to rely on it."""

    title: str
    eyebrow: str
    answer: Sequence[str]
    problems: Sequence[str]
    chapters: Sequence[Chapter]
