"""The report of a result: report.html, report.md and the charts as files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from loadtests.documents import put_between
from loadtests.lab.report import drawing, html, markdown, sections
from loadtests.lab.report.document import Chart, Document, Table
from loadtests.lab.targets import LabError

SHORT = ("against-go", "engines")  # the sections whose first chart and table a README shows


def write(result: Mapping[str, Any], directory: Path) -> Path:
    """Writes the report beside result.json, with its charts under `charts`; returns the
    path of the HTML file."""
    document = sections.document(result)
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
    page.write_text(html.page(document, result, draw), encoding="utf-8")
    return page


def splice(result: Mapping[str, Any], directory: Path, document: Path) -> None:
    """Replaces what stands between the markers `lab` in a document by the short form.

    Raises LabError where the document has not exactly one pair of markers.
    """
    path = os.path.relpath(directory.resolve(), document.resolve().parent)
    try:
        put_between(document, "lab", _short(result, Path(path).as_posix()))
    except ValueError as error:
        raise LabError(str(error)) from error


def _short(result: Mapping[str, Any], to_report: str) -> str:
    whole: Document = sections.document(result)
    parts = [*whole.answer, *(f"> **{problem}**" for problem in whole.problems)]
    for section in whole.sections:
        if section.anchor in SHORT:
            charts = [part for part in section.parts if isinstance(part, Chart)]
            tables = [part for part in section.parts if isinstance(part, Table)]
            parts += [markdown.picture(chart, f"{to_report}/charts") for chart in charts[:1]]
            if section.anchor == SHORT[0]:
                parts += [markdown.table(table) for table in tables]
    machine = result["machine"]
    parts.append(
        f"{machine['cpu']}, {machine['usable_cores']} cores, {machine['python']}; 95 % intervals "
        f"in brackets. [Report]({to_report}/report.md), [raw data]({to_report}/result.json)."
    )
    return "\n\n".join(parts)
