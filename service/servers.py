"""The HTTP servers that can run the service. docs/ladder.md says what each gives up."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from service.errors import ServiceError

if TYPE_CHECKING:
    from service.settings import Settings

log = logging.getLogger("hotpath")

_APP = "service.wiring:app"


@dataclass(frozen=True)
class Listening:
    host: str
    port: int
    workers: int
    access_log: bool


class Server(StrEnum):
    uvicorn = "uvicorn"
    granian = "granian"
    hypercorn = "hypercorn"


def run(server: Server, listening: Listening, settings: Settings) -> None:
    """Serves until a signal ends it.

    Raises: ServiceError invalid_argument where the server is not installed or the address cannot
    be had; internal where the application did not start, or a worker failed.
    """
    if importlib.util.find_spec(server) is None:
        raise ServiceError(
            "invalid_argument",
            f"server '{server}' is not installed; run: pip install 'hotpath[{server}]'",
        )
    with bound(listening.host, listening.port) as address:
        host, port = address.getsockname()[:2]
        log.info("address: http://%s:%d", f"[{host}]" if ":" in host else host, port)
        try:
            _RUN[server](address, listening, settings)
        except SystemExit as ended:
            if ended.code:
                raise ServiceError(
                    "internal", f"{server}: the start or a worker failed; the lines above say why"
                ) from ended


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address for itself, and does not listen yet.

    Of a name's addresses it takes one, of IPv4 where there is one.
    Raises: ServiceError invalid_argument.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ServiceError(
            "invalid_argument",
            f"host, port: expected an address that can be listened at, got {host} and {port}: "
            f"{error.strerror}",
        ) from error
    return listener


def _uvicorn(address: socket.socket, listening: Listening, settings: Settings) -> None:
    from uvicorn.config import STARTUP_FAILURE

    from service.http.server import Config, Server
    from service.http.workers import Supervisor

    config = Config(
        _APP,
        settings,
        factory=True,
        workers=listening.workers,
        access_log=listening.access_log,
        log_level=settings.log_level.lower(),
        # Only where it is said whose X-Forwarded-* to believe: it costs something on each request.
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        timeout_worker_healthcheck=30,  # a starved machine is not a hung worker
    )
    with suppress(KeyboardInterrupt):
        if listening.workers == 1:
            Server(config).run(sockets=[address])
            return
        supervisor = Supervisor(config, sockets=[address])
        supervisor.run()
        # It ends without a word where a worker could not start.
        if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
            raise SystemExit(STARTUP_FAILURE)


def _granian(address: socket.socket, listening: Listening, settings: Settings) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server as Granian

    from service.http.connections import most_connections
    from service.http.ending import SETTLE_S

    # Each worker binds a socket of its own to the port, which Linux allows to all sockets that
    # want to share it, those of another server too. Ours is bound first, alone, and only then
    # becomes one that shares: whoever wants the port for himself is refused as long as it is there.
    host, port = address.getsockname()[:2]
    if sys.platform == "linux":
        address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    else:
        address.close()
    # Its workers start as the default says, which may be by fork: with gRPC's threads that hangs.
    multiprocessing.set_start_method("spawn", force=True)
    # Workers begin with it blocked, as their parent has it: one that is still starting would die of
    # it, which Granian takes for a failure. There it waits until Ending.listen lets it in.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    class Ending(Granian):  # type: ignore[misc, valid-type]  # it is one of two
        def _stop_workers(self) -> None:
            workers = [worker.inner for worker in self.wrks]
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, partial(_end_at_once, workers))
            for worker in workers:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGUSR1)
            time.sleep(settings.shutdown_pause_s + SETTLE_S)
            super()._stop_workers()

    Ending(
        _APP,
        factory=True,
        interface=Interfaces.ASGI,
        address=host,
        port=port,
        workers=listening.workers,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=max(1, round(1000 * _one_timeout_s(settings))),
            max_buffer_size=settings.max_head_bytes,
        ),
        backpressure=most_connections(settings),  # past it connections wait to be accepted
        websockets=False,
        log_access=listening.access_log,
        log_level=LogLevels(settings.log_level.lower()),
        # Whoever waits is answered before that; it is for what cannot be ended.
        workers_kill_timeout=settings.shutdown_grace_s + 1,
    ).serve()


def _end_at_once(workers: Sequence[Any], number: int, _: FrameType | None) -> None:
    for worker in workers:
        worker.kill()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _hypercorn(address: socket.socket, listening: Listening, settings: Settings) -> None:
    from hypercorn.config import Config
    from hypercorn.run import run as run_hypercorn
    from hypercorn.utils import LifespanFailureError

    config = Config()
    config.application_path = f"{_APP}()"
    config.bind = f"fd://{address.detach()}"
    config.workers = listening.workers if listening.workers > 1 else 0  # 0: in this process
    config.worker_class = "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"
    config.daemon = False  # daemons may not have children, such as the process offload's
    config.accesslog = "-" if listening.access_log else None
    config.loglevel = settings.log_level
    config.include_server_header = False
    config.h11_max_incomplete_size = settings.max_head_bytes
    config.h2_max_header_list_size = settings.max_head_bytes
    config.keep_alive_timeout = _one_timeout_s(settings)
    config.graceful_timeout = settings.shutdown_grace_s
    if not config.workers:
        try:
            run_hypercorn(config)
        except LifespanFailureError as error:  # the application has said why
            raise SystemExit(1) from error
        return
    with _signals_that_came() as signals:
        run_hypercorn(config)
        # Its own code is 0 too where a worker could not start, or died.
        if not {signal.SIGTERM, signal.SIGINT} & signals():
            raise SystemExit(1)


def _one_timeout_s(settings: Settings) -> float:
    """For servers with one timer for both: the time until the next head is complete."""
    return min(settings.head_timeout_s, settings.keep_alive_s)


@contextmanager
def _signals_that_came() -> Iterator[Callable[[], set[int]]]:
    """Whatever handlers a server sets meanwhile."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno())

        def came() -> set[int]:
            with suppress(BlockingIOError):
                return set(reader.recv(4096))
            return set()

        try:
            yield came
        finally:
            signal.set_wakeup_fd(before)


_RUN: dict[Server, Callable[[socket.socket, Listening, Settings], None]] = {
    Server.uvicorn: _uvicorn,
    Server.granian: _granian,
    Server.hypercorn: _hypercorn,
}
