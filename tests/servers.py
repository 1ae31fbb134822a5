"""Real servers in processes of their own, on real sockets."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx2
import psutil

BIN = Path(sys.executable).parent
COMMANDS = {
    "service": (sys.executable, "-m", "service.cli", "serve", "--port", "{port}"),
    # engine: go
    "gateway": (sys.executable, "-m", "service.cli", "gateway", "--port", "{port}"),
    # engine: end
}


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    client: httpx2.Client
    log: Path

    @property
    def port(self) -> int:
        port = self.client.base_url.port
        assert port is not None
        return port

    def children(self, name: str) -> list[psutil.Process]:
        return [child for child in self.family() if name in _command(child)]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """kill -9, for it and all that it started, at once."""
        family = [psutil.Process(self.process.pid), *self.family()]
        for process in family:
            process.kill()
        self.process.wait(60)
        psutil.wait_procs(family, 60)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


# None of those that the system gives to connections, which might take it before the server does:
# Linux begins at 32768, others later.
_ports = cycle(random.sample(range(10_000, 32_768), 10_000))
_kept: deque[int] = deque()  # file descriptors


def free_port() -> int:
    """One that no other test is given, nor another run on this machine: a UDP socket on the same
    number keeps it until 64 more were asked for."""
    for port in islice(_ports, 1000):
        keeper = socket.socket(type=socket.SOCK_DGRAM)
        try:
            keeper.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            keeper.close()
            continue
        _kept.append(keeper.detach())
        if len(_kept) > 64:
            os.close(_kept.popleft())
        return port
    raise AssertionError("expected a free port, found none")


@contextmanager
def serving(
    log: Path,
    *arguments: str,
    command: tuple[str, ...] = COMMANDS["service"],
    until: str = "/health/ready",
    within_s: float = 240,
    **settings: str,
) -> Iterator[Server]:
    """hotpath serve with the given settings; ended with SIGTERM.

    command: another server, such as COMMANDS["gateway"]; "{port}" stands for its port.
    until: the path that must answer with 200 before the block begins, in so many seconds.
    """
    port = free_port()
    # Without it the database of whoever runs the tests would be the one that is changed.
    settings = {"database_url": f"sqlite:///{log.parent / 'hotpath.db'}"} | settings
    environment = os.environ | {f"HOTPATH_{name.upper()}": text for name, text in settings.items()}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*(part.format(port=port) for part in command), *arguments],
            env=environment,
            stdout=output,
            stderr=output,
        )
    with client_of(port) as client:
        server = Server(process, client, log)
        try:
            wait_until(lambda: answers(server, until), f"an answer to {until}", log, within_s)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


@contextmanager
def upstream(log: Path, delay: str = "0ms") -> Iterator[str]:
    """The stub of an upstream, with its faults; gives its host:port."""
    host = f"127.0.0.1:{free_port()}"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [BIN / "hotpath-upstream", "-listen", host, "-delay", delay],
            stdout=output,
            stderr=output,
        )
    try:
        with httpx2.Client(base_url=f"http://{host}", timeout=30, trust_env=False) as client:
            stub = Server(process, client, log)
            wait_until(lambda: answers(stub, "/rates/ecb?base=EUR"), "the upstream", log)
        yield host
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def client_of(port: int, **options: Any) -> httpx2.Client:
    return httpx2.Client(
        base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False, **options
    )


def answers(server: Server, path: str) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.client.get(path).status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(condition, what: str, log: Path | None = None, timeout_s: float = 240) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        shown = log.read_text() if log else ""
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}\n{shown}"
        time.sleep(0.02)
