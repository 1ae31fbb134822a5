"""The kernels by themselves, beside what one would take instead: a file for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from loadtests.bench.kernel import Benches, KernelBench, Options
from loadtests.found import found_in
from service.screening import watchlist


@dataclass(frozen=True, slots=True)
class ScreeningOptions(Options):
    directory: Annotated[
        Path | None, typer.Option("--watchlist", metavar="DIR", help="synthetic by default")
    ] = None
    cutoff: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.9

    def facts(self) -> Mapping[str, Any]:
        found = watchlist.load(self.directory)
        return {
            "cutoff": self.cutoff,
            "watchlist": {
                "source": self.directory.name if self.directory else found.source,
                "names": len(found.entries),
                "version": found.index.version,
            },
        }

    @staticmethod
    def said(facts: Mapping[str, Any]) -> str:
        names = facts["watchlist"]
        return f"list {names['source']} ({names['names']:,} names), cutoff {facts['cutoff']}"


BENCHES = Benches(found_in(__name__, KernelBench), ScreeningOptions)
