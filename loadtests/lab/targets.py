"""A server under load: started, asked, watched and stopped by the lab."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import psutil

from loadtests.lab.records import TargetFacts

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0
LOG_TAIL_LINES = 15


class LabError(Exception):
    """The run cannot go on or its figures are void; the message is for the user."""


def pinned(command: list[str], cores: Sequence[int] | None) -> list[str]:
    """The command on these cores alone, from its first instruction on."""
    if cores is None:
        return command
    program = (
        "import os, sys; os.sched_setaffinity(0, map(int, sys.argv[1].split(',')));"
        "os.execvp(sys.argv[2], sys.argv[2:])"
    )
    return [sys.executable, "-c", program, ",".join(map(str, cores)), *command]


@dataclass
class Target:
    """name: what the report calls it, a variant's name for the service.
    argv: the command; `{port}` stands for the port it must listen on.
    env: on top of this process's environment, of which all HOTPATH_ settings are dropped, but not
        the one that names the domain.
    headers: that each answer of its engine must carry, with their values.
    log: file for its stdout and stderr.
    kind, variant, server, rung, twin_of, slowed: as schema.md has them.
    ready: the path that answers with 200 once it is up.
    cores: that it and all it starts may use; None for all.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "service"
    variant: str | None = None
    server: str | None = None
    rung: str | None = None
    twin_of: str | None = None
    slowed: float | None = None
    ready: str = "/health/ready"
    cores: Sequence[int] | None = None
    port: int = field(default=0, init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    startup_s: float | None = field(default=None, init=False)
    _descendants: set[psutil.Process] = field(default_factory=set, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name == "HOTPATH_DOMAIN" or not name.startswith("HOTPATH_")
        }
        return kept | dict(self.env)

    def facts(self, verification: Mapping[str, int]) -> TargetFacts:
        """Of its environment without the database's URL, which may have a password in it, and
        without where a directory lies on this machine, which says nothing elsewhere."""
        return {
            "kind": self.kind,
            "variant": self.variant,
            "server": self.server,
            "rung": self.rung,
            "twin_of": self.twin_of,
            "slowed": self.slowed,
            "environment": {
                name: text.rpartition(os.sep)[2] if text.startswith(os.sep) else text
                for name, text in self.env.items()
                if name != "HOTPATH_DATABASE_URL"
            },
            "startup_s": self.startup_s,
            "verification": verification,
        }

    def start(self) -> None:
        """Starts it and waits until it is ready.

        It leads a session of its own, so that Ctrl-C reaches the lab alone, which
        then stops its targets in order.
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with self.log.open("wb") as log:
            process = self.process = subprocess.Popen(
                pinned([part.format(port=self.port) for part in self.argv], self.cores),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while time.monotonic() - started < START_TIMEOUT_S:
            if (code := process.poll()) is not None:
                raise LabError(self.describe(f"ended with exit code {code} before it was ready"))
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", self.ready, timeout_s=5)[0] == 200:
                    self.note_descendants()
                    self.startup_s = time.monotonic() - started
                    return
            time.sleep(0.05)
        raise LabError(self.describe(f"was not ready within {START_TIMEOUT_S:.0f} s"))

    def ask(
        self, method: str, path: str, body: str | None = None, timeout_s: float = 60.0
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (they ignore case) and content. Raises OSError or HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            # The standard library's message is such a mapping, if not by its type.
            return response.status, cast("Mapping[str, str]", response.headers), content
        finally:
            connection.close()

    def crashed(self) -> str | None:
        """How it ended, with its log's tail, should it no longer run."""
        code = None if self.process is None else self.process.poll()
        return None if code is None else self.describe(f"crashed with exit code {code}")

    def describe(self, what: str) -> str:
        try:
            lines = self.log.read_text(errors="replace", encoding="utf-8").splitlines()[
                -LOG_TAIL_LINES:
            ]
        except FileNotFoundError:
            lines = []
        tail = "".join(f"\n    {line}" for line in lines)
        return f"{self.name}: the server {what}; the end of {self.log}:{tail or ' (empty)'}"

    def note_descendants(self) -> None:
        """Remembers its descendants: once it has crashed they can no longer be found from it."""
        with suppress(psutil.NoSuchProcess):
            self._descendants.update(psutil.Process(self.pid).children(recursive=True))

    def terminate(self) -> None:
        """Asks it to end, and does not wait for it."""
        if self.process is not None and self.process.poll() is None:
            self.note_descendants()
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Asks it to end, then kills whatever is left of it."""
        if self.process is None:
            return
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT_S)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in self._descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self._descendants, timeout=STOP_TIMEOUT_S)
        self.process = None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Cleaning up must not be cut short by a second Ctrl-C."""
    before = {
        number: signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
