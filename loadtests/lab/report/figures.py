"""A result as the chapters ask it: which cells, which targets, which comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from loadtests.lab.records import (
    CellFacts,
    Comparison,
    Latency,
    Pairs,
    Percentile,
    Result,
    Spread,
    Summary,
    load_of,
)
from loadtests.lab.report.document import Entry, Row, Table
from loadtests.lab.report.drawing import SERIES
from loadtests.lab.report.wording import NOT_KNOWN, percentile_entry, ratio_entry, spread_entry
from loadtests.lab.resampling import Counted


class Column(NamedTuple):
    title: str
    unit: str
    entry: Callable[[CellFacts], Entry]


@dataclass(frozen=True, slots=True)
class Figures:
    """baselines: the targets that all others are compared with, the plainest engine first.
    said: the settings in the domain's words, by title."""

    result: Result
    baselines: Sequence[str]
    said: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda _: {}

    def cells(self, section: str) -> list[CellFacts]:
        return [cell for cell in self.result["cells"] if cell["section"] == section]

    def loads(self, section: str) -> list[tuple[str, list[CellFacts]]]:
        """The cells of a section by scenario and batch size, named after them."""
        groups: dict[tuple[str, int | None], list[CellFacts]] = {}
        for cell in self.cells(section):
            groups.setdefault((cell["scenario"], cell["items"]), []).append(cell)
        sizes = [scenario for scenario, _ in groups]
        ordered = sorted(groups, key=lambda load: (sizes.index(load[0]), load[1] or 0))
        return [
            (scenario if sizes.count(scenario) == 1 else f"{scenario}, {items} a request", cells)
            for scenario, items in ordered
            for cells in [groups[scenario, items]]
        ]

    def by_target(self, section: str) -> list[tuple[str, list[CellFacts]]]:
        """The cells of a section by target, in the order measured, the gateway last."""
        cells = self.cells(section)
        names = sorted(dict.fromkeys(cell["target"] for cell in cells), key=self.is_gateway)
        return [(name, [cell for cell in cells if cell["target"] == name]) for name in names]

    def summary(self, cell: CellFacts) -> Summary:
        return self.result["summary"][cell["id"]]

    def rate(self, cell: CellFacts) -> Spread | None:
        return self.summary(cell)["throughput_rps"]

    def latency(self, cell: CellFacts, stream: str = "main") -> Latency | None:
        return self.summary(cell)["latency_ms"].get(stream)

    def is_gateway(self, target: str) -> bool:
        return self.result["targets"][target]["kind"] == "gateway"

    def gateway(self) -> str | None:
        return next((name for name in self.result["targets"] if self.is_gateway(name)), None)

    def name(self, cell: CellFacts) -> str:
        return "Go gateway" if self.is_gateway(cell["target"]) else cell["target"]

    def sound(self, cells: Sequence[CellFacts]) -> list[CellFacts]:
        """Those with figures."""
        return [cell for cell in cells if self.rate(cell) is not None]

    def fastest(self, cells: Sequence[CellFacts]) -> CellFacts | None:
        mine = [
            (rate["median"], cell)
            for cell in cells
            if (rate := self.rate(cell)) and not self.is_gateway(cell["target"])
        ]
        return max(mine, key=lambda pair: pair[0])[1] if mine else None

    def compare(
        self, cell: CellFacts, denominator: str | None, metric: str = "throughput_rps"
    ) -> Comparison | None:
        """The cell's target by another under the same load."""
        for found in self.result["comparisons"]:
            if (
                found["numerator"] == cell["target"]
                and found["denominator"] == denominator
                and found["metric"] == metric
                and load_of(found) == load_of(cell)
            ):
                return found
        return None

    def color(self, target: str) -> int:
        """A place in the palette that a target keeps through the whole report."""
        if self.is_gateway(target):
            return 0
        names = [name for name in self.result["targets"] if not self.is_gateway(name)]
        drawn = {c["target"] for s in ("load", "mixed", "crossover") for c in self.cells(s)}
        # Those that are drawn together come first, so that no two of them are alike.
        place = sorted(names, key=lambda name: name not in drawn).index(target)
        return 1 + place % (len(SERIES) - 1)

    def histograms(self, cell: CellFacts, *, raw: bool = False) -> list[Pairs]:
        """raw: of the latencies from the moment of sending."""
        return [
            block["streams"]["main"]["raw_latency" if raw else "latency"]
            for block in self.result["blocks"]
            if block["cell"] == cell["id"] and not block.get("void")
        ]

    def curve(self, cell: CellFacts) -> Iterator[tuple[float, float]]:
        """Shares of the requests that took longer, and ms; as far as five requests tell."""
        counted = Counted.of(self.histograms(cell))
        if not counted.total:
            return
        beyond, shares = 0.9, []
        while counted.total * beyond >= 5:
            shares.append(1 - beyond)
            beyond /= 10**0.125
        for share, value in zip(shares, counted.pooled(shares)):
            yield 1 - share, float(value) / 1000

    def column(self, title: str, unit: str, of: Callable[[Summary], Spread | str | None]) -> Column:
        """Of the cells' summaries: a spread with its interval, or a text as it is."""

        def entry(cell: CellFacts) -> Entry:
            found = of(self.summary(cell))
            return (found, "") if isinstance(found, str) else spread_entry(found)

        return Column(title, unit, entry)

    def percentile(
        self,
        name: Percentile,
        title: str = "",
        of: Callable[[Summary], Latency | None] = lambda summary: summary["latency_ms"].get("main"),
    ) -> Column:
        return Column(
            title or name, "ms", lambda cell: percentile_entry(of(self.summary(cell)), name)
        )

    def by_go(self, title: str, unit: str, metric: str) -> Column:
        """The cell's figure by the gateway's, whose own is 1."""

        def entry(cell: CellFacts) -> Entry:
            if self.is_gateway(cell["target"]):
                return NOT_KNOWN if self.summary(cell)["void"] else "1", ""
            return ratio_entry(self.compare(cell, self.gateway(), metric))

        return Column(title, unit, entry)

    def table(
        self,
        label: str,
        first: str,
        groups: Iterable[tuple[str, Sequence[CellFacts]]],
        columns: Sequence[Column],
        *,
        name: Callable[[CellFacts], str] | None = None,
        best: bool = False,
    ) -> Table:
        """A row for each cell, by group. first: title of the rows' names, which are the targets'
        unless `name` says otherwise. best: whether the fastest of a group is marked."""
        rows = []
        for title, cells in groups:
            rows.append(Row(title, kind="group"))
            marked = self.fastest(cells) if best else None
            for cell in cells:
                kind = "void" if self.summary(cell)["void"] else "best" if cell is marked else ""
                entries = [column.entry(cell) for column in columns]
                rows.append(Row(name(cell) if name else cell["target"], entries, kind))
        head = [(first, ""), *((column.title, column.unit) for column in columns)]
        return Table(head, rows, label)
