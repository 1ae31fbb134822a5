"""A real server in a process of its own, on a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    client: httpx2.Client
    log: Path

    def match(self, *names: str, engine: str | None = None, **body: object) -> httpx2.Response:
        headers = {"X-Engine": engine} if engine else {}
        return self.client.post("/v1/matches", json={"names": names, **body}, headers=headers)

    def children(self, name: str) -> list[psutil.Process]:
        return [child for child in self.family() if name in _command(child)]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(log: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """hotpath serve with the given settings, ready; ended with SIGTERM."""
    port = free_port()
    environment = os.environ | {f"HOTPATH_{name.upper()}": text for name, text in settings.items()}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", "--port", str(port), *arguments],
            env=environment,
            stdout=output,
            stderr=output,
        )
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        server = Server(process, client, log)
        try:
            wait_until(lambda: ready(server), "the server to be ready", log)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def ready(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.client.get("/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(condition, what: str, log: Path | None = None, timeout_s: float = 90) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        shown = log.read_text() if log else ""
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}\n{shown}"
        time.sleep(0.02)
