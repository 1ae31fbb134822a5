"""The report's tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.lab.report import sections
from loadtests.lab.report.document import Table

SHOWN = ("verdicts", "against-go", "engines", "mixed", "ladder")


def print_table(result: Mapping[str, Any]) -> None:
    """The answer and the main tables on stdout, for people."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Drawn

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # piped output has no width of its own
    document = sections.document(result)
    for section in document.sections:
        for part in section.parts:
            if section.anchor not in SHOWN or not isinstance(part, Table):
                continue
            table = Drawn(
                box=box.SIMPLE_HEAD, pad_edge=False, title=section.title, title_justify="left"
            )
            for number, (title, unit) in enumerate(part.head):
                head = f"{escape(title)}\n[dim]{escape(unit)}"
                table.add_column(head, justify="right" if number else "left", no_wrap=not number)
            for row in part.rows:
                style = {"void": "red", "best": "bold", "group": "bold cyan"}.get(row.kind, "")
                name = row.name if row.kind == "group" else f"  {row.name}"
                cells = [f"{f} [dim]({m})[/dim]" if m else f for f, m in row.cells]
                table.add_row(escape(name), *cells, style=style)
            console.print(table)
    for sentence in document.answer:
        console.print(escape(sentence), style="bold")
    for problem in document.problems:
        console.print(escape(problem), style="red")
