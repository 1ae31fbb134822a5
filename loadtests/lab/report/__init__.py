"""The report of a result: report.html, report.md and the charts as files, and on a terminal."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from loadtests.documents import put_between
from loadtests.lab.report import (
    against_go,
    answer,
    boundary,
    drawing,
    engines,
    html,
    markdown,
    method,
    traffic,
)
from loadtests.lab.report.document import Chart, Document, Table
from loadtests.lab.report.figures import Figures
from loadtests.lab.targets import LabError

CHAPTERS = (
    method.verdicts, against_go.routes, engines.engines, traffic.curves, traffic.load,
    traffic.mixed, against_go.ladder, boundary.crossover, engines.cost, engines.not_worth_it,
    method.machine, method.method,
)  # fmt: skip
SHORT = ("against-go", "engines")  # the chapters whose first chart and table a README shows
ON_TERMINAL = ("verdicts", "against-go", "engines", "mixed", "ladder")


def composed(figures: Figures) -> Document:
    """Its chapters in their order; those without figures are left out."""
    result = figures.result
    profile, day = result["settings"]["profile"], result["started_at"][:10]
    return Document(
        title="Is FastAPI close to Go?" if figures.gateway() else "The engines under the same load",
        eyebrow=f"hotpath lab · {profile} profile · {day}",
        answer=answer.answer(figures),
        problems=answer.problems(figures),
        chapters=[chapter for make in CHAPTERS if (chapter := make(figures)) is not None],
    )


def write(figures: Figures, directory: Path) -> Path:
    """Writes the report beside result.json, with its charts under `charts`; returns the
    path of the HTML file."""
    document = composed(figures)
    draw = lru_cache(maxsize=None)(drawing.drawn)
    drawn = directory / "charts"
    drawn.mkdir(parents=True, exist_ok=True)
    for stale in drawn.glob("*.svg"):  # of an earlier report in the same directory
        stale.unlink()
    for chart in markdown.charts(document):
        for suffix, colors in (("", drawing.LIGHT), ("-dark", drawing.DARK)):
            path = drawn / f"{chart.name}{suffix}.svg"
            path.write_text(drawing.colored(draw(chart, drawing.WIDE), colors), encoding="utf-8")
    (directory / "report.md").write_text(markdown.text(document, "charts"), encoding="utf-8")
    page = directory / "report.html"
    page.write_text(html.page(document, figures.result, draw), encoding="utf-8")
    return page


def splice(figures: Figures, directory: Path, document: Path) -> None:
    """Replaces what stands between the markers `lab` in a document by the short form.

    Raises LabError where the document has not exactly one pair of markers.
    """
    path = os.path.relpath(directory.resolve(), document.resolve().parent)
    try:
        put_between(document, "lab", _short(figures, Path(path).as_posix()))
    except ValueError as error:
        raise LabError(str(error)) from error


def _short(figures: Figures, to_report: str) -> str:
    whole, machine = composed(figures), figures.result["machine"]
    parts = [*whole.answer, *(f"> **{problem}**" for problem in whole.problems)]
    for chapter in whole.chapters:
        if chapter.anchor in SHORT:
            charts = [part for part in chapter.parts if isinstance(part, Chart)]
            tables = [part for part in chapter.parts if isinstance(part, Table)]
            parts += [markdown.picture(chart, f"{to_report}/charts") for chart in charts[:1]]
            if chapter.anchor == SHORT[0]:
                parts += [markdown.table(table) for table in tables]
    parts.append(
        f"{machine['cpu']}, {machine['usable_cores']} cores, {machine['python']}; 95 % intervals "
        f"in brackets. [Report]({to_report}/report.md), [raw data]({to_report}/result.json)."
    )
    return "\n\n".join(parts)


def print_table(figures: Figures) -> None:
    """The answer and the main tables on stdout, for people."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Drawn

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200  # piped output has no width of its own
    document = composed(figures)
    for chapter in document.chapters:
        for part in chapter.parts:
            if chapter.anchor not in ON_TERMINAL or not isinstance(part, Table):
                continue
            table = Drawn(
                box=box.SIMPLE_HEAD, pad_edge=False, title=chapter.title, title_justify="left"
            )
            for number, (title, unit) in enumerate(part.head):
                head = f"{escape(title)}\n[dim]{escape(unit)}"
                table.add_column(head, justify="right" if number else "left", no_wrap=not number)
            for row in part.rows:
                style = {"void": "red", "best": "bold", "group": "bold cyan"}.get(row.kind, "")
                name = row.name if row.kind == "group" else f"  {row.name}"
                entries = [f"{f} [dim]({m})[/dim]" if m else f for f, m in row.entries]
                table.add_row(escape(name), *entries, style=style)
            console.print(table)
    for sentence in document.answer:
        console.print(escape(sentence), style="bold")
    for problem in document.problems:
        console.print(escape(problem), style="red")
