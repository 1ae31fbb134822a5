"""Where a sidecar begins to pay."""

from __future__ import annotations

from loadtests.lab.crossover import PARAMETERS
from loadtests.lab.report import charts
from loadtests.lab.report.document import Part, Row, Section, Table, Text
from loadtests.lab.report.figures import Figures
from loadtests.lab.report.wording import figure, interval


def crossover(figures: Figures) -> Section | None:
    found = figures.result["crossover"]
    if not found:
        return None
    words = (
        "Batch size and work per item swept. The cost model (cost of a request = boundary + per "
        "byte × its body + per work × the time that one kernel alone takes for it) is fitted "
        "without the cells that are held out."
    )
    if found["held_out"]:
        tested = [x for x in found["cells"] if x["held_out"] and x["regret"] is not None]
        worst = max((x["regret"] for x in tested), default=0.0)
        words += (
            f" Of {found['held_out']} held-out cells it names the winner in "
            f"{100 * found['hit_rate']:.0f} %; following it costs {100 * worst:.0f} % at worst."
        )
        if found["certain"] < found["held_out"]:
            rate = found["certain_hit_rate"]
            words += (
                " None of them has a winner whose lead is certain."
                if rate is None
                else f" Only {found['certain']} of them have a winner whose lead is certain, of "
                f"which it names {100 * rate:.0f} %."
            )
    words += (
        " In the chart the pale cells have no certain winner; the dashed line is where the model "
        "expects it to change."
    )
    head = [
        ("target", ""), ("boundary", "µs/request"), ("per byte", "ns"), ("per work", "µs/µs"),
        ("error", "median, fitted"), ("error", "median, held out"), ("cells", "fitted"),
    ]  # fmt: skip
    rows = [
        Row(
            name,
            [
                *(
                    (figure(model[name]), interval(model["intervals"][name]))
                    for name in PARAMETERS
                ),
                (_percent(model["error"]), ""),
                (_percent(model["held_out_error"]), ""), (str(model["cells"]), ""),
            ],
        )
        for name, model in found["models"].items()
    ]  # fmt: skip
    parts: list[Part] = [
        Text(words),
        *charts.crossover_map(figures),
        Table(head, rows, "Cost models"),
    ]
    return Section("crossover", "Where a sidecar pays", parts)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
