"""How far a run is, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol


class Progress(Protocol):
    def step(self, text: str) -> None:
        """Something is done, or went wrong."""

    def block(self, text: str, remaining_s: float) -> None:
        """A block begins; from here the run takes about remaining_s."""

    def tick(self) -> None:
        """Called several times a second while a block runs."""


class Lines:
    """For logs and pipes: a line for each step and block."""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def step(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def block(self, text: str, remaining_s: float) -> None:
        print(f"{text} (about {remaining_s:.0f} s to go)", file=sys.stderr, flush=True)

    def tick(self) -> None:
        return None


class Bar:
    """For terminals: a bar in seconds, which follows the estimate as it changes."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<32}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[left]}"),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task("starting the servers", total=None, left="")
        self.began = self.block_began = time.monotonic()
        self.remaining_s = 0.0

    def __enter__(self) -> Bar:
        self.bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.__exit__(kind, error, trace)

    def step(self, text: str) -> None:
        self.bar.console.print(text, markup=False, highlight=False)

    def block(self, text: str, remaining_s: float) -> None:
        self.block_began = time.monotonic()
        self.remaining_s = remaining_s
        self.bar.update(self.task, description=text)
        self.tick()

    def tick(self) -> None:
        now = time.monotonic()
        left = max(self.remaining_s - (now - self.block_began), 0.0)
        done = now - self.began
        text = f"{int(left) // 60}:{int(left) % 60:02d} left"
        self.bar.update(self.task, total=done + left, completed=done, left=text)


def of_stderr() -> Bar | Lines:
    return Bar() if sys.stderr.isatty() else Lines()
