"""What was measured on what and how, and what the figures therefore do not say."""

from __future__ import annotations

from collections import Counter

from loadtests.lab.report.document import Bullets, Chapter, Facts, Row, Table, Text
from loadtests.lab.report.figures import Figures
from loadtests.lab.report.wording import figure, listed, spread_entry
from loadtests.lab.resampling import MIN_BEYOND, MIN_BLOCKS, RESAMPLES
from loadtests.lab.sections import SLICE_S
from loadtests.lab.statistics import BUSY_GENERATOR, LAG_SHARE, VOID_BLOCKS


def verdicts(figures: Figures) -> Chapter | None:
    found = figures.result["verdicts"]
    if not found:
        return None
    head = [("threshold", ""), ("limit", ""), ("value", ""), ("", "")]
    rows = [
        Row(
            f"{v['scenario']}, {v['target']}: {v['metric']}",
            [
                (v["limit"], ""),
                (figure(v["value"]), v["reason"] or ""),
                ("met" if v["passed"] else "missed", ""),
            ],
            "" if v["passed"] else "void",
        )
        for v in found
    ]
    missed = sum(not v["passed"] for v in found)
    words = f"{len(found) - missed} of {len(found)} thresholds are met."
    return Chapter("verdicts", "Verdicts", [Text(words), Table(head, rows, "Thresholds")])


def machine(figures: Figures) -> Chapter:
    result = figures.result
    m, commit, s = result["machine"], result["commit"], result["settings"]
    state = "not known" if commit is None else commit["hash"][:12]
    if commit is not None and commit["dirty"]:
        state += ", with uncommitted changes"
    pinned = s["pinned"]
    calibration = result["calibration"]
    ceiling = "not measured"
    if calibration:
        value, bounds = spread_entry(calibration["ceiling_rps"])
        spent = figure(calibration["cpu_us_per_request"])
        ceiling = f"{value} requests/s ({bounds}), {spent} µs of CPU per request"
    pairs = [
        ("Processor", f"{m['cpu']}, {m['usable_cores']} of {m['cores']} cores"),
        ("Memory", f"{m['memory_bytes'] / 2**30:.1f} GiB"),
        ("System", f"{m['system']}, {m['python']}"),
        ("Load at the start", " ".join(f"{load:.2f}" for load in m["load_average"])),
        (
            "Cores",
            f"server {listed([str(c) for c in pinned['server']])}, generator "
            f"{listed([str(c) for c in pinned['generator']])}"
            if pinned
            else "not pinned: servers and generator share all of them",
        ),
        ("Generator's ceiling", ceiling),
        ("Commit", state),
        ("Measured", f"{result['started_at']} to {result['finished_at']}"),
        ("Profile, seed", f"{s['profile']}, {s['seed']}"),
        *figures.said(s).items(),
        ("Database", s["database"]),
    ]
    used = {str(t["variant"]).rpartition("-")[0] for t in result["targets"].values()}
    pairs += [
        (f"Engine {engine['name']}", f"{engine['version']}, {engine['detail']}")
        for engine in (result["engines"] or {"engines": []})["engines"]
        if engine["name"] in used
    ]
    pairs.append(("Packages", ", ".join(f"{n} {v}" for n, v in sorted(m["packages"].items()))))
    return Chapter("machine", "The machine", [Facts(pairs)])


def method(figures: Figures) -> Chapter:
    result = figures.result
    rounds = Counter(block["cell"] for block in result["blocks"])
    counts = sorted(rounds.values())
    shares = [
        share["median"]
        for summary in result["summary"].values()
        if (share := summary["generator_cpu_share"])
    ]
    void = sum(bool(block.get("void")) for block in result["blocks"])
    items = [
        f"{len(result['blocks'])} blocks of {len(result['cells'])} cells"
        + (f", {counts[0]} to {counts[-1]} a cell" if counts else "")
        + f"; {void} blocks are void. A section's cells are measured in rounds, each cell once in "
        "a round, one server under load at a time while all others idle. In the closed model a "
        f"block consists of slices of {1000 * SLICE_S:.0f} ms that alternate with those of the "
        "round's other cells, in a seeded random order.",
        "Every target was verified before any load, and every answer under load was compared with "
        "the expected one: a single wrong or failed answer voids the cell.",
        f"Figures are medians over blocks with the 95 % interval by bootstrap over blocks "
        f"({RESAMPLES:,} resamples, seeded); ratios are geometric means of paired blocks of one "
        f"round, so that drift between rounds cancels out. Fewer than {MIN_BLOCKS} blocks have no "
        "interval. An interval speaks for this machine in that hour, not for another one.",
        "Percentiles are of all requests of all blocks, to 1 %, and are shown only where at least "
        f"{MIN_BEYOND} requests lie beyond them.",
        "Open model: arrivals by a seeded schedule that does not wait for answers; latency counts "
        "from the intended start. Closed model: each user waits for the answer, so a slow server "
        "is asked less often, and its latency says nothing about a fixed arrival rate.",
        "A block is void where the generator's own lateness at p99 exceeds "
        f"{100 * LAG_SHARE:.0f} % of the latency's p99, or where the generator used more than "
        f"{100 * BUSY_GENERATOR:.0f} % of a core or waited for it; a cell where more than "
        f"{100 * VOID_BLOCKS:.0f} % of its blocks are. Void blocks are measured again.",
        "The generator runs on the same machine, over loopback"
        + (f", and used up to {100 * max(shares):.0f} % of a core" if shares else "")
        + ": no network, no TLS, no proxy. What they would add is the same for all targets, so "
        "ratios would be nearer to 1 than here.",
        "docs/methodology.md says what else could mislead.",
    ]
    return Chapter("method", "Method and limits", [Bullets(items)])
