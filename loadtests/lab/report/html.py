"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template

from loadtests.lab.records import Result
from loadtests.lab.report import drawing
from loadtests.lab.report.document import (
    Bullets,
    Chapter,
    Chart,
    Document,
    Facts,
    Part,
    Row,
    Table,
    Text,
)

Draw = Callable[[Chart, int], str]  # an SVG in stand-in colours

PAGE = Path(__file__).with_name("page.html")


def page(document: Document, result: Result, draw: Draw) -> str:
    contents = "".join(
        f'<a href="#{chapter.anchor}">{escape(chapter.title)}</a>' for chapter in document.chapters
    )
    raw = gzip.compress(json.dumps(result).encode(), mtime=0)
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        light=drawing.variables(1),
        dark=drawing.variables(2),
        title=escape(document.title),
        eyebrow=escape(document.eyebrow),
        answer=" ".join(f"<span>{escape(sentence)}</span>" for sentence in document.answer),
        problems="".join(f'<p class="problem">{escape(p)}</p>' for p in document.problems),
        contents=contents,
        sections="".join(_chapter(chapter, draw) for chapter in document.chapters),
        raw=base64.b64encode(raw).decode(),
    )


def _chapter(chapter: Chapter, draw: Draw) -> str:
    parts = "".join(_part(part, draw) for part in chapter.parts)
    return f'<section id="{chapter.anchor}"><h2>{escape(chapter.title)}</h2>{parts}</section>\n'


def _part(part: Part, draw: Draw) -> str:
    match part:
        case Text(words):
            return f"<p>{escape(words)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        case Facts(pairs):
            rows = "".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in pairs)
            return f"<dl>{rows}</dl>"
        case Chart():
            wide, narrow = (
                drawing.colored(draw(part, width), drawing.CSS)
                for width in (drawing.WIDE, drawing.NARROW)
            )
            return (
                f'<figure><figcaption>{escape(part.title)}</figcaption><div class="wide">{wide}'
                f'</div><div class="narrow">{narrow}</div></figure>'
            )
        case Table():
            return _table(part)


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(t)}<small>{escape(u)}</small></th>" for t, u in table.head)
    rows = "".join(_row(row, len(table.head)) for row in table.rows)
    label = escape(table.label)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(row: Row, columns: int) -> str:
    if row.kind == "group":
        name = f'<th scope="rowgroup">{escape(row.name)}</th><td colspan="{columns - 1}"></td>'
        return f'<tr class="group">{name}</tr>'
    entries = "".join(
        f"<td>{escape(figure)}" + (f"<small>{escape(more)}</small>" if more else "") + "</td>"
        for figure, more in row.entries
    )
    note = "<small>void</small>" if row.kind == "void" else ""
    return f'<tr class="{row.kind}"><th scope="row">{escape(row.name)}{note}</th>{entries}</tr>'
