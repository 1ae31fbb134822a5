"""The summary as text cells: one definition of the columns for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.lab.charts import figure
from loadtests.lab.statistics import PERCENTILES

Row = dict[str, Any]
Cell = Callable[[Row], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """title and unit of the head, and a row's cell: its figure, and the range over rounds or ""."""

    title: str
    unit: str
    cell: Cell


def columns(result: dict[str, Any]) -> list[Column]:
    return [
        Column("requests/s", "median (rounds)", lambda r: _spread(r["throughput_rps"])),
        Column("names/s", "median", lambda r: (_median(r["throughput_names_per_s"]), "")),
        *_speedups(result, "median (rounds)"),
        *(Column(f"p{percent}", "ms", _latency(percent)) for percent in PERCENTILES),
        Column(
            "requests", "counted", lambda r: (f"{r['requests']:,}" if r["requests"] else "–", "")
        ),
        Column("CPU server", "ms/request", lambda r: _spread(_cpu(r, "server"))),
        Column("CPU sidecar", "ms/request", lambda r: _spread(_cpu(r, "sidecar"))),
        Column("memory server", "MiB, peak", lambda r: (figure(_peak_mib(r, "server")), "")),
        Column("memory sidecar", "MiB, peak", lambda r: (figure(_peak_mib(r, "sidecar")), "")),
    ]


def short_columns(result: dict[str, Any]) -> list[Column]:
    """For a README: what one decides by."""
    return [
        Column("requests/s", "", lambda r: _spread(r["throughput_rps"])),
        *_speedups(result, ""),
        Column("p50", "ms", _latency(50)),
        Column("p99", "ms", _latency(99)),
        Column("CPU", "ms/request", lambda r: (_total(r, _cpu_median), "")),
        Column("memory", "MiB, peak", lambda r: (_total(r, _peak_mib), "")),
    ]


def markdown(result: dict[str, Any], shown: Sequence[Column]) -> str:
    head = [f"{c.title} ({c.unit})" if c.unit else c.title for c in shown]
    lines = [
        "| variant | " + " | ".join(head) + " |",
        "|---|" + "---:|" * len(shown),
    ]
    for row in result["summary"]:
        cells = [
            figure_ + (f" ({range_})" if range_ else "") for figure_, range_ in cells_of(row, shown)
        ]
        name = row["variant"] + (" **(void)**" if row["void"] else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cells_of(row: Row, shown: Sequence[Column]) -> list[tuple[str, str]]:
    return [column.cell(row) for column in shown]


def print_table(result: dict[str, Any]) -> None:
    """On stdout, for people; narrow terminals get the short form."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    # Piped output has no width of its own: it gets the whole table.
    wide = not console.is_terminal or console.width >= 150
    shown = columns(result) if wide else short_columns(result)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for column in shown:
        table.add_column(f"{column.title}\n[dim]{column.unit}", justify="right", no_wrap=True)
    for row in result["summary"]:
        cells = [f"{f} [dim]({r})[/dim]" if r else f for f, r in cells_of(row, shown)]
        name = f"{row['variant']} [red]void[/red]" if row["void"] else row["variant"]
        table.add_row(name, *cells)
    if not console.is_terminal:
        console.width = 240
    console.print(table)


def range_of(spread: dict[str, float]) -> str:
    return f"{figure(spread['min'])}–{figure(spread['max'])}"


def _speedups(result: dict[str, Any], unit: str) -> list[Column]:
    return [
        Column(f"× {baseline}", unit, _speedup(baseline))
        for baseline in result["settings"]["baselines"]
    ]


def _speedup(baseline: str) -> Cell:
    return lambda r: _spread(r["speedup"][baseline])


def _latency(percent: int) -> Cell:
    return lambda r: (figure(r["latency_ms"][f"p{percent}"]), "")


def _spread(spread: dict[str, float] | None) -> tuple[str, str]:
    if spread is None:
        return "–", ""
    varies = spread["min"] != spread["max"]
    return figure(spread["median"]), range_of(spread) if varies else ""


def _median(spread: dict[str, float] | None) -> str:
    return figure(None if spread is None else spread["median"])


def _cpu(row: Row, role: str) -> dict[str, float] | None:
    return row[role]["cpu_ms_per_request"] if row[role]["processes"] else None


def _cpu_median(row: Row, role: str) -> float | None:
    spread = _cpu(row, role)
    return None if spread is None else spread["median"]


def _peak_mib(row: Row, role: str) -> float | None:
    peak = row[role]["peak_memory_bytes"] if row[role]["processes"] else None
    return None if peak is None else peak / 2**20


def _total(row: Row, part: Callable[[Row, str], float | None]) -> str:
    """Server and sidecar together; unknown where the server's part is, for a variant
    without a sidecar has none."""
    server = part(row, "server")
    return figure(None if server is None else server + (part(row, "sidecar") or 0.0))
