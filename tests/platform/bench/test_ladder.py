"""The ladder's page, from the result of a lab run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.bench import ladder
from loadtests.lab.session import SCHEMA

MARKERS = "".join(f"<!-- {n}:begin --><!-- {n}:end -->\n" for n in ("run", "json", "io"))
GATEWAY = {"kind": "gateway", "rung": None, "server": None}
MODEL = {"kind": "service", "rung": "model", "server": "uvicorn"}


def spread(median: float) -> dict[str, float]:
    return {"median": median, "low": 0.9 * median, "high": 1.1 * median, "blocks": 5}


def summary(us: float, p50_ms: float) -> dict[str, Any]:
    return {
        "void": None,
        "server": {"cpu_ms_per_request": spread(us / 1000)},
        "throughput_rps": spread(1e6 / us),
        "per_core_rps": spread(1e6 / us),
        "generator_cpu_share": spread(0.5),
        "latency_ms": {"main": {"p50": p50_ms, "intervals": {"p50": [p50_ms - 1, p50_ms + 1]}}},
    }


def void() -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(summary(1, 1))
    usage = {"cpu_ms_per_request": None}
    return nothing | {"void": "too late", "server": usage, "latency_ms": {}}


def run(**changes: Any) -> dict[str, Any]:
    cells = [
        {"section": section, "scenario": scenario, "target": target, "users": users,
         "rate_rps": rate, "id": f"{section}/{target}"}
        for section, scenario, users, rate in (
            ("ladder", "json", 4, None), ("io", "wait", None, 50),
        )
        for target in ("slow", "go")
    ]  # fmt: skip
    compared = [
        {"section": section, "scenario": scenario, "numerator": "slow", "denominator": other,
         "metric": metric, "ratio": ratio, "low": ratio / 2, "high": ratio * 2}
        for section, scenario in (("ladder", "json"), ("io", "wait"))
        for other, factor in (("slow", 7.0), ("go", 1.0))
        for metric, ratio in (("per_core_rps", 0.25 * factor), ("p50_ms", 3.0 * factor))
    ]  # fmt: skip
    return {
        "schema": SCHEMA,
        "finished_at": "2026-11-22T12:00:00+00:00",
        "machine": {"cpu": "some CPU", "cores": 2, "python": "CPython", "packages": {}},
        "commit": {"hash": "0123456789abcdef", "dirty": True},
        "settings": {"pinned": {"server": [0]}, "database": "sqlite"},
        "targets": {"slow": MODEL, "go": GATEWAY},
        "cells": cells,
        "comparisons": compared,
        "summary": {
            "ladder/slow": summary(100, 3), "ladder/go": summary(25, 2),
            "io/slow": summary(200, 30), "io/go": summary(50, 20),
        },
    } | changes  # fmt: skip


def page_of(tmp_path: Path, result: dict[str, Any]) -> str:
    page = tmp_path / "page.md"
    page.write_text(MARKERS)
    (tmp_path / "result.json").write_text(json.dumps(result))
    ladder.write(tmp_path, page)
    return page.read_text()


def row(page: str, name: str) -> list[str]:
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {name} |"))
    return [field.strip() for field in line.strip("|").split("|")][1:]


def test_a_rung_has_its_figures_with_their_intervals_and_ratios_to_the_gateway(
    tmp_path: Path,
) -> None:
    page = page_of(tmp_path, run())
    assert row(page, "model, uvicorn") == [
        "100 (90.0 to 110)",
        "10,000 (9,000 to 11,000)",
        "0.250 (0.125 to 0.500)",
        "3.00 (2.00 to 4.00)",
        "3.00 (1.50 to 6.00)",
        "50.0% (45.0 to 55.0)",
    ]
    assert row(page, "Go gateway")[2:5:2] == ["1", "1"]
    assert page.index("| Go gateway |") < page.index("| model, uvicorn |")  # the best first


def test_a_route_that_waits_stands_beside_the_gateways(tmp_path: Path) -> None:
    assert row(page_of(tmp_path, run()), "wait") == [
        "50 a second",
        "30.0 (29.0 to 31.0)",
        "20.0 (19.0 to 21.0)",
        "3.00 (1.50 to 6.00)",
        "0.250 (0.125 to 0.500)",
    ]


def test_the_page_says_what_was_measured_where(tmp_path: Path) -> None:
    page = page_of(tmp_path, run())
    assert "commit `0123456789ab` with uncommitted changes: some CPU, 2 cores" in page
    assert "Each server on a core of its own, 4 users, 5 rounds;" in page
    assert "[result.json](result.json)" in page


def test_a_void_cell_has_no_figures(tmp_path: Path) -> None:
    given = run(comparisons=[])
    for cell in ("ladder/slow", "ladder/go", "io/go"):
        given["summary"][cell] = void()
    page = page_of(tmp_path, given)
    for name in ("model, uvicorn", "Go gateway"):
        assert set(row(page, name)) == {"–"}
    assert row(page, "wait") == ["50 a second", "30.0 (29.0 to 31.0)", "–", "–", "–"]


def test_a_run_without_a_ladder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a run with the section 'ladder'"):
        page_of(tmp_path, run(cells=[]))
