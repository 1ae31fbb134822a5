"""How far a run is, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress as rich
from rich.console import Console


class Progress:
    """For logs and pipes: a line for each step and block."""

    def step(self, text: str) -> None:
        """Something is done, or went wrong."""
        print(text, file=sys.stderr, flush=True)

    def block(self, text: str, remaining_s: float) -> None:
        """A slice of a block begins; from here the run takes about remaining_s."""
        self.step(f"{text} (about {remaining_s:.0f} s to go)")

    def tick(self) -> None:
        """Called several times a second while a slice runs."""


class Bar(Progress):
    """For terminals: a bar in seconds, which follows the estimate as it changes."""

    def __init__(self, bar: rich.Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("starting the servers", total=None, left="")
        self.began = self.block_began = time.monotonic()
        self.remaining_s = 0.0

    def step(self, text: str) -> None:
        self.bar.console.print(text, markup=False, highlight=False)

    def block(self, text: str, remaining_s: float) -> None:
        self.block_began, self.remaining_s = time.monotonic(), remaining_s
        self.bar.update(self.task, description=text)
        self.tick()

    def tick(self) -> None:
        now = time.monotonic()
        left = max(self.remaining_s - (now - self.block_began), 0.0)
        done = now - self.began
        text = f"{int(left) // 60}:{int(left) % 60:02d} left"
        self.bar.update(self.task, total=done + left, completed=done, left=text)


@contextmanager
def of_stderr() -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield Progress()
        return
    with rich.Progress(
        rich.SpinnerColumn(),
        rich.TextColumn("{task.description:<32}", markup=False),
        rich.BarColumn(bar_width=None),
        rich.TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
    ) as bar:
        yield Bar(bar)
