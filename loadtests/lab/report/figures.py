"""A result as the sections ask it: which cells, which targets, which comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.lab.report.drawing import SERIES
from loadtests.lab.resampling import Counted

Cell = Mapping[str, Any]
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Figures:
    result: Mapping[str, Any]

    def cells(self, section: str) -> list[Cell]:
        return [cell for cell in self.result["cells"] if cell["section"] == section]

    def loads(self, section: str) -> list[tuple[str, list[Cell]]]:
        """The cells of a section by scenario and batch size, named after them."""
        groups: dict[tuple[str, Any], list[Cell]] = {}
        for cell in self.cells(section):
            groups.setdefault((cell["scenario"], cell["items"]), []).append(cell)
        sizes = [scenario for scenario, _ in groups]
        order = list(dict.fromkeys(sizes))
        ordered = sorted(groups, key=lambda load: (order.index(load[0]), load[1] or 0))
        return [
            (scenario if sizes.count(scenario) == 1 else f"{scenario}, {items} a request", cells)
            for scenario, items in ordered
            for cells in [groups[scenario, items]]
        ]

    def summary(self, cell: Cell) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.result["summary"][cell["id"]]
        return found

    def rate(self, cell: Cell) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.summary(cell)["throughput_rps"]
        return found

    def is_gateway(self, target: str) -> bool:
        return bool(self.result["targets"][target]["kind"] == "gateway")

    def sound(self, cells: Sequence[Cell]) -> list[Cell]:
        """Those with figures."""
        return [cell for cell in cells if self.rate(cell) is not None]

    def fastest(self, cells: Sequence[Cell]) -> Cell | None:
        mine = [cell for cell in self.sound(cells) if not self.is_gateway(cell["target"])]
        return max(mine, key=lambda cell: self.rate(cell)["median"], default=None)  # type: ignore[index]  # sound

    def compare(
        self, cell: Cell, denominator: str | None, metric: str = "throughput_rps"
    ) -> Mapping[str, Any] | None:
        """The cell's target by another under the same load."""
        load = ("section", "scenario", "model", "users", "items", "work")
        for comparison in self.result["comparisons"]:
            if (
                comparison["numerator"] == cell["target"]
                and comparison["denominator"] == denominator
                and comparison["metric"] == metric
                and all(comparison[field] == cell[field] for field in load)
            ):
                found: Mapping[str, Any] = comparison
                return found
        return None

    def gateway(self) -> str | None:
        return next((name for name in self.result["targets"] if self.is_gateway(name)), None)

    def targets(self, section: str) -> list[str]:
        """In the order measured, the gateway last."""
        names = list(dict.fromkeys(cell["target"] for cell in self.cells(section)))
        return sorted(names, key=self.is_gateway)

    def color(self, target: str) -> int:
        """A place in the palette that a target keeps through the whole report."""
        if self.is_gateway(target):
            return 0
        names = [name for name in self.result["targets"] if not self.is_gateway(name)]
        drawn = {c["target"] for s in ("load", "mixed", "crossover") for c in self.cells(s)}
        # Those that are drawn together come first, so that no two of them are alike.
        place = sorted(names, key=lambda name: name not in drawn).index(target)
        return 1 + place % (len(SERIES) - 1)

    def histograms(self, cell: Cell, stream: str, kind: str) -> list[Any]:
        return [
            block["streams"][stream][kind]
            for block in self.result["blocks"]
            if block["cell"] == cell["id"] and not block["void"] and stream in block["streams"]
        ]

    def curve(self, cell: Cell) -> Iterator[tuple[float, float]]:
        """Shares of the requests that took longer, and ms; as far as five requests tell."""
        counted = Counted.of(self.histograms(cell, "main", "latency"))
        if not counted.total:
            return
        beyond, shares = 0.9, []
        while counted.total * beyond >= 5:
            shares.append(1 - beyond)
            beyond /= 10**0.125
        for share, value in zip(shares, counted.pooled(shares)):
            yield 1 - share, float(value) / 1000
