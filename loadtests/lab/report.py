"""The report of a result: report.html, report.md and the charts as files."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from loadtests.documents import put_between
from loadtests.lab import charts, tables
from loadtests.lab.charts import figure
from loadtests.lab.scenarios import BASELINE
from loadtests.lab.statistics import MIN_BEYOND, percentile
from loadtests.lab.tables import range_of
from loadtests.lab.targets import LabError

TEMPLATE = Path(__file__).with_name("report.html")
BUSY = 0.5  # runnable processes per core, before the run adds its own


def write(result: dict[str, Any], directory: Path) -> Path:
    """Writes the report beside result.json; returns the path of the HTML file."""
    for _, chart in charts.CHARTS:
        for suffix, colors in (("", charts.LIGHT), ("-dark", charts.DARK)):
            drawn = charts.svg(chart, result["summary"], charts.WIDE, colors)
            path = directory / f"{chart.__name__}{suffix}.svg"
            if drawn is None:
                path.unlink(missing_ok=True)  # of an earlier run in the same directory
            else:
                path.write_text(drawn)
    (directory / "report.md").write_text(markdown(result, "."))
    page = directory / "report.html"
    page.write_text(html(result))
    return page


def answer(result: dict[str, Any]) -> list[str]:
    """The figures in two sentences; no more than they support."""
    settings = result["settings"]
    rated = [row for row in result["summary"] if row["throughput_rps"]]
    if not rated:
        return ["No variant has figures that can be used."]
    rated.sort(key=lambda row: -row["throughput_rps"]["median"])
    best = rated[0]
    rate = best["throughput_rps"]
    first = (
        f"{best['variant']} answered the most: {figure(rate['median'])} requests/s "
        f"({range_of(rate)}) of {settings['names']} names each, screened against "
        f"{settings['watchlist']['names']:,} listed names"
    )
    base = settings["baselines"][0]
    speedup = best["speedup"].get(base)
    if speedup and base != best["variant"]:
        first += f", {figure(speedup['median'])} times {base} ({range_of(speedup)})"
    near = [r["variant"] for r in rated[1:] if r["throughput_rps"]["max"] >= rate["min"]]
    if near:
        first += f"; its rounds overlap with those of {', '.join(near)}"
    sentences = [first + "."]
    method = next((row["speedup"].get(base) for row in rated if row["variant"] == BASELINE), None)
    language = best["speedup"].get(BASELINE)
    if method and language and base != BASELINE and best["variant"] != BASELINE:
        sentences.append(
            f"The better method alone, still in pure Python ({BASELINE}), is "
            f"{figure(method['median'])} times as fast ({range_of(method)}); {best['variant']} "
            f"adds a factor of {figure(language['median'])} ({range_of(language)}) on top."
        )
    return sentences


def problems(result: dict[str, Any]) -> list[str]:
    found = [f"{variant} is void: {reason}" for variant, reason in result["voids"].items()]
    if result["interrupted"]:
        found.append("The run was interrupted: some variants have fewer rounds than others.")
    machine = result["machine"]
    if machine["load_average"][0] > BUSY * machine["usable_cores"]:
        found.append(
            f"The machine was busy at the start: a load of {machine['load_average'][0]:.1f} on "
            f"{machine['usable_cores']} cores. Measure on an idle one before you rely on this."
        )
    return found


def limits(result: dict[str, Any]) -> list[str]:
    """How it was measured and what the figures therefore do not say."""
    s = result["settings"]
    shares = [row["generator_cpu_share"] for row in result["summary"] if row["generator_cpu_share"]]
    busiest = max((share["max"] for share in shares), default=None)
    return [
        f"Closed model: {s['users']} users, each of whom sends a request, waits for the answer and "
        "sends the next. A slow server is asked less often, so latencies under a fixed arrival "
        "rate would be worse than these.",
        "Every variant ran in a server of its own, started afresh and verified first: rows and "
        "scores equal, to the last bit, to RapidFuzz over the whole list. Every answer under load "
        "was compared in the same way; one wrong answer voids a variant.",
        f"{s['rounds']} rounds, each over all variants in a seeded random order, one under load at "
        f"a time, all with the same requests. Per block: {s['warmup_s']:g} s of warm-up, then "
        f"a window of {s['window_s']:g} s or longer, until {s['min_requests']} requests are done.",
        "A request counts, for rate, latency and CPU time alike, if its answer came inside the "
        "window. The window opens and closes on an answer; requests in flight at its close are "
        "awaited but not counted, as those in flight at its opening are counted.",
        "Figures are medians over rounds with the lowest and highest round in brackets: a "
        "range, no confidence interval. Percentiles pool the rounds and are shown only where "
        f"at least {MIN_BEYOND} requests lie beyond them (p99: {100 * MIN_BEYOND} requests). "
        "Speed-ups are ratios within a round.",
        "CPU time is that of the server's process tree during the window, per counted request; "
        "'sidecar' is whatever runs another program than the server. Peak memory is since the "
        "start of the server, and pages shared between its processes count once for each.",
        "The load generator runs on the same machine and takes cores from the server: "
        + (f"up to {100 * busiest:.0f} % of one core here. " if busiest is not None else "")
        + "On a larger or a quieter machine the fast variants gain the most.",
    ]


def facts(result: dict[str, Any]) -> list[tuple[str, str]]:
    m, commit = result["machine"], result["commit"]
    state = "not known" if commit is None else commit["hash"][:12]
    if commit is not None and commit["dirty"]:
        state += ", with uncommitted changes"
    s = result["settings"]
    measured = {variant.rpartition("-")[0] for variant in s["variants"]}
    return [
        ("Processor", f"{m['cpu']}, {m['usable_cores']} of {m['cores']} cores"),
        ("Memory", f"{m['memory_bytes'] / 2**30:.1f} GiB"),
        ("System", f"{m['system']}, {m['python']}"),
        ("Load at the start", " ".join(f"{load:.2f}" for load in m["load_average"])),
        ("Commit", state),
        ("Measured", f"{result['started_at']} to {result['finished_at']}"),
        ("Watchlist", f"{s['watchlist']['names']:,} names: {s['watchlist']['source']}"),
        (
            "Load",
            f"{s['names']} names per request, cutoff {s['cutoff']}, limit {s['limit']}, "
            f"seed {s['seed']}",
        ),
        *(
            (f"Engine {engine['name']}", f"{engine['version']}, {engine['detail']}")
            for engine in result["engines"]["engines"]
            if engine["name"] in measured
        ),
        (
            "Packages",
            ", ".join(f"{name} {version}" for name, version in sorted(m["packages"].items())),
        ),
    ]


def markdown(result: dict[str, Any], to_charts: str) -> str:
    """The report as Markdown. to_charts: path of the charts as seen from the document."""
    parts = ["# Lab report", " ".join(answer(result)), *(f"**{p}**" for p in problems(result))]
    parts.append(tables.markdown(result, tables.columns(result)))
    for title, chart in charts.CHARTS:
        if charts.svg(chart, result["summary"], charts.WIDE, charts.LIGHT):
            parts += [f"## {title}", picture(title, chart.__name__, to_charts)]
    parts += ["## Machine", "\n".join(f"- {name}: {value}" for name, value in facts(result))]
    parts += ["## Method and limits", "\n".join(f"- {limit}" for limit in limits(result))]
    return "\n\n".join(parts) + "\n"


def picture(title: str, name: str, to_charts: str) -> str:
    return (
        '<picture><source media="(prefers-color-scheme: dark)" '
        f'srcset="{to_charts}/{name}-dark.svg">'
        f'<img alt="{title}" src="{to_charts}/{name}.svg"></picture>'
    )


def splice(result: dict[str, Any], directory: Path, document: Path) -> None:
    """Replaces what stands between the markers in a document by the short table.

    Raises LabError where the document has not exactly one pair of markers.
    """
    to_charts = Path(os.path.relpath(directory.resolve(), document.resolve().parent)).as_posix()
    machine = result["machine"]
    short = "\n\n".join(
        [
            " ".join(answer(result)),
            picture("Throughput", "throughput", to_charts),
            tables.markdown(result, tables.short_columns(result)),
            f"{machine['cpu']}, {machine['usable_cores']} cores, {machine['python']}; "
            f"{result['settings']['rounds']} rounds, lowest and highest in brackets. "
            f"[Report]({to_charts}/report.md), [raw data]({to_charts}/result.json).",
        ]
    )
    try:
        put_between(document, "lab", short)
    except ValueError as error:
        raise LabError(str(error)) from error


def html(result: dict[str, Any]) -> str:
    s = result["settings"]
    return Template(TEMPLATE.read_text()).substitute(
        title=f"{len(s['variants'])} variants under the same load"
        + (", with the same answers" if result["complete"] else ""),
        eyebrow=escape(f"hotpath lab · {s['profile']} profile · {result['started_at'][:10]}"),
        answer=" ".join(f"<span>{escape(sentence)}</span>" for sentence in answer(result)),
        problems="".join(f'<pre class="problem">{escape(p)}</pre>' for p in problems(result)),
        table=_table(result),
        charts="".join(_figure(result, title, chart) for title, chart in charts.CHARTS),
        facts="".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in facts(result)),
        limits="".join(f"<li>{escape(limit)}</li>" for limit in limits(result)),
        blocks=_blocks(result),
        # Inside a script element only this sequence could end the data early.
        raw=json.dumps(result).replace("<", "\\u003c"),
    )


def _table(result: dict[str, Any]) -> str:
    shown = tables.columns(result)
    rated = [row["throughput_rps"]["median"] for row in result["summary"] if row["throughput_rps"]]
    head = "".join(f"<th>{escape(c.title)}<small>{escape(c.unit)}</small></th>" for c in shown)
    rows = []
    for row in result["summary"]:
        best = row["throughput_rps"] and row["throughput_rps"]["median"] == max(rated)
        cells = "".join(
            f"<td>{figure_}" + (f"<small>{range_}</small>" if range_ else "") + "</td>"
            for figure_, range_ in tables.cells_of(row, shown)
        )
        note = "<small>void</small>" if row["void"] else ""
        kind = "void" if row["void"] else "best" if best else ""
        rows.append(f'<tr class="{kind}"><th>{escape(row["variant"])}{note}</th>{cells}</tr>')
    return f"<thead><tr><th>variant</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"


def _figure(result: dict[str, Any], title: str, chart: charts.Chart) -> str:
    rows = result["summary"]
    wide, narrow = (charts.svg(chart, rows, w, charts.CSS) for w in (charts.WIDE, charts.NARROW))
    if wide is None or narrow is None:
        return ""
    note = ""
    if chart is charts.cpu and (left_out := charts.off_axis(rows)):
        values = ", ".join(
            f"{r['variant']} ({figure(r['server']['cpu_ms_per_request']['median'])} ms)"
            for r in left_out
        )
        note = f'<p class="note">Off the axis: {escape(values)}.</p>'
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><div class="wide">{wide}</div>'
        f'<div class="narrow">{narrow}</div>{note}</figure>'
    )


def _blocks(result: dict[str, Any]) -> str:
    rows = []
    for block in result["blocks"]:
        median = percentile(dict(block["latency"]), 50)
        cells = (
            block["round"],
            block["position"],
            block["variant"],
            f"{block['completed']:,}",
            f"{block['window_s']:.2f}",
            figure(block["completed"] / block["window_s"]) if block["window_s"] else "–",
            figure(None if median is None else median * block["latency_unit_ms"]),
            f"{block['generator_cpu_s']:.2f}",
            len(block["faults"]),
        )
        rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>")
    return "".join(rows)
