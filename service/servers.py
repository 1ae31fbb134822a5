"""The HTTP servers that can run the service. docs/ladder.md says what each gives up."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from service.errors import ServiceError

if TYPE_CHECKING:
    from service.settings import Settings

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
    """Serves until a signal ends it. Raises: ServiceError where the server is not installed;
    SystemExit where a worker failed."""
    if importlib.util.find_spec(server) is None:
        raise ServiceError(
            "invalid_argument",
            f"server '{server}' is not installed; run: pip install 'hotpath[{server}]'",
        )
    _RUN[server](listening, settings)


def _uvicorn(listening: Listening, settings: Settings) -> None:
    import uvicorn

    uvicorn.run(
        _APP,
        factory=True,
        host=listening.host,
        port=listening.port,
        workers=listening.workers,
        access_log=listening.access_log,
        log_level=settings.log_level.lower(),
        server_header=False,
        # Only where it is said whose X-Forwarded-* to believe: it costs something on each request.
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        http="service.http.one_write:OneWrite",
        ws="none",
        timeout_graceful_shutdown=settings.shutdown_grace_s,
        timeout_worker_healthcheck=30,  # a starved machine is not a hung worker
    )


def _granian(listening: Listening, settings: Settings) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import Server as Granian

    # Its workers start as the default says, which may be by fork: with gRPC's threads that hangs.
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        _APP,
        factory=True,
        interface=Interfaces.ASGI,
        address=listening.host,
        port=listening.port,
        workers=listening.workers,
        http=HTTPModes.http1,
        websockets=False,
        log_access=listening.access_log,
        log_level=LogLevels(settings.log_level.lower()),
        workers_kill_timeout=settings.shutdown_grace_s,
    ).serve()


def _hypercorn(listening: Listening, settings: Settings) -> None:
    from hypercorn.config import Config
    from hypercorn.run import run as run_hypercorn

    config = Config()
    config.application_path = f"{_APP}()"
    config.bind = f"{listening.host}:{listening.port}"
    config.workers = listening.workers if listening.workers > 1 else 0  # 0: in this process
    config.worker_class = "uvloop" if importlib.util.find_spec("uvloop") else "asyncio"
    config.daemon = False  # daemons may not have children, such as the process offload's
    config.accesslog = "-" if listening.access_log else None
    config.loglevel = settings.log_level
    config.include_server_header = False
    config.graceful_timeout = settings.shutdown_grace_s
    if code := run_hypercorn(config):
        raise SystemExit(code)


_RUN: dict[Server, Callable[[Listening, Settings], None]] = {
    Server.uvicorn: _uvicorn,
    Server.granian: _granian,
    Server.hypercorn: _hypercorn,
}
