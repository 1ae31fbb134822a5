"""The report of a result, in its order; sections without figures are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.lab.report import against_go, answer, boundary, engines, method, traffic
from loadtests.lab.report.document import Document
from loadtests.lab.report.figures import Figures

SECTIONS = (
    method.verdicts, against_go.routes, engines.engines, traffic.curves, traffic.load,
    traffic.mixed, against_go.ladder, boundary.crossover, engines.cost, engines.not_worth_it,
    method.machine, method.method,
)  # fmt: skip


def document(result: Mapping[str, Any]) -> Document:
    figures = Figures(result)
    made = [section(figures) for section in SECTIONS]
    profile, day = result["settings"]["profile"], result["started_at"][:10]
    return Document(
        title="Is FastAPI close to Go?" if figures.gateway() else "The engines under the same load",
        eyebrow=f"hotpath lab · {profile} profile · {day}",
        answer=answer.answer(figures),
        problems=answer.problems(figures),
        sections=[section for section in made if section is not None],
    )
