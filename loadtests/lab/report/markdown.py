"""The report as Markdown, with its charts as files."""

from __future__ import annotations

from html import escape

from loadtests.lab.report.document import (
    Bullets,
    Chart,
    Document,
    Entry,
    Facts,
    Part,
    Row,
    Table,
    Text,
)


def text(document: Document, to_charts: str) -> str:
    """to_charts: path of the charts as seen from where the text will be."""
    parts = [f"# {document.title}", document.eyebrow, *document.answer]
    parts += [f"> **{_plain(problem)}**" for problem in document.problems]
    for chapter in document.chapters:
        parts.append(f"## {chapter.title}")
        parts += [_part(part, to_charts) for part in chapter.parts]
    return "\n\n".join(parts) + "\n"


def charts(document: Document) -> list[Chart]:
    return [
        part for chapter in document.chapters for part in chapter.parts if isinstance(part, Chart)
    ]


def picture(chart: Chart, to_charts: str) -> str:
    return (
        '<picture><source media="(prefers-color-scheme: dark)" '
        f'srcset="{to_charts}/{chart.name}-dark.svg">'
        f'<img alt="{escape(chart.title)}" src="{to_charts}/{chart.name}.svg"></picture>'
    )


def table(shown: Table) -> str:
    head = [f"{title} ({unit})" if unit and title else title or unit for title, unit in shown.head]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + [_row(row, len(head)) for row in shown.rows])


def _part(part: Part, to_charts: str) -> str:
    match part:
        case Text(words):
            return _plain(words)
        case Bullets(items):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Facts(pairs):
            return "\n".join(f"- {name}: {_plain(value)}" for name, value in pairs)
        case Chart():
            return f"### {part.title}\n\n{picture(part, to_charts)}"
        case Table():
            return table(part)


def _row(row: Row, columns: int) -> str:
    if row.kind == "group":
        return f"| **{_in_table(row.name)}** |" + " |" * (columns - 1)
    name = _in_table(row.name) + (" **(void)**" if row.kind == "void" else "")
    if row.kind == "best":
        name = f"**{name}**"
    return f"| {name} | " + " | ".join(_entry(entry) for entry in row.entries) + " |"


def _entry(entry: Entry) -> str:
    value, more = entry
    return _in_table(f"{value} ({more})" if more else value)


def _in_table(words: str) -> str:
    return _plain(words).replace("|", "\\|").replace("\n", " ")


def _plain(words: str) -> str:
    """Text from outside, such as the tail of a log, must not become markup."""
    return (
        escape(words, quote=False).replace("\n", "  \n").replace("`", "&#96;").replace("*", "\\*")
    )
