"""Both servers on both databases, each started once, when the first test needs it.

The two on one database share it, so that what one wrote the other reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

# engine: go
from hotpath_go import program_path
from hotpath_go.commands import environment

# engine: end
from service import startup
from service.offload.spec import default
from service.screening.synthetic import write_synthetic
from service.settings import Settings
from service.store import migrate
from service.wiring import DOMAIN
from tests.contract.upstreams import ScriptedUpstreams
from tests.databases import Database, Sqlite
from tests.postgres import Own, new_database, own_cluster
from tests.screening.fixtures import *  # noqa: F403  # the fixtures of the sample
from tests.servers import COMMANDS, Server, serving, upstream

DATABASES = ("sqlite", "postgresql")
SERVERS = tuple(COMMANDS)
UPSTREAM_TIMEOUT_S = 2.0  # others must answer in it, on a busy machine too
DATABASE_TIMEOUT_S = 0.7
WATCHLIST_NAMES = 2000


@dataclass
class Api:
    """A server under test, and the database behind it."""

    name: str
    server: Server
    database: Database

    def __post_init__(self) -> None:
        self.get = self.server.client.get
        self.post = self.server.client.post

    def pay(self, payment: Any, key: str | None = None) -> httpx2.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.post("/v1/payments", json=payment, headers=headers)


class Fleet:
    def __init__(self, stack: ExitStack, logs: Path, clusters: Any, **settings: str) -> None:
        self._stack, self._logs, self._clusters = stack, logs, clusters
        self._settings = settings
        self._databases: dict[str, Database] = {}
        self._started: dict[str, Api] = {}

    def __getitem__(self, name: str) -> Api:
        if name not in self._started:
            server, database = name.split("-")
            if database not in self._databases:
                self._databases[database] = self._new_database(database)
            where = self._databases[database]
            found = serving(
                self._logs / f"{name}.log",
                command=COMMANDS[server],
                database_url=where.url,
                **self._settings,
            )
            self._started[name] = Api(name, self._stack.enter_context(found), where)
        return self._started[name]

    def _new_database(self, name: str) -> Database:
        if name == "sqlite":
            return Sqlite(self._logs / "shared.db")
        return upgraded(new_database(self._clusters()))


def upgraded(database: Database) -> Database:
    """With the tables, which `hotpath serve` makes by itself in an embedded database only."""
    settings = Settings(database_url=database.url, bench_routes=True)
    migrate.upgrade(settings, startup.schemas(settings, DOMAIN))
    return database


@pytest.fixture(scope="session")
def watchlist_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("watchlist")
    write_synthetic(directory, WATCHLIST_NAMES, 7)
    return directory


@pytest.fixture(scope="session")
def upstreams() -> Iterator[ScriptedUpstreams]:
    with ScriptedUpstreams() as found:
        yield found


@pytest.fixture(scope="session")
def fleet(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    watchlist_directory: Path,
    upstreams: ScriptedUpstreams,
) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(
            stack,
            tmp_path_factory.mktemp("contract"),
            lambda: request.getfixturevalue("postgres"),
            engine=default(DOMAIN.engines).name,
            allow_engine_override="true",
            watchlist=str(watchlist_directory),
            bench_routes="true",
            upstreams=",".join(f"{name}={upstreams.url(name)}" for name in ("ecb", "fed", "boj")),
            upstream_hosts=f"127.0.0.1:{upstreams.port}",
            upstream_timeout_s=str(UPSTREAM_TIMEOUT_S),
            request_timeout_s="60",  # the reference takes its time
            database_timeout_s="10",  # tests hold it up for less, on a busy machine too
        )


@pytest.fixture(params=[f"{server}-{database}" for server in SERVERS for database in DATABASES])
def api(request: pytest.FixtureRequest, fleet: Fleet) -> Api:
    """Each server on each database."""
    return fleet[request.param]


@pytest.fixture(params=SERVERS)
def stateless(request: pytest.FixtureRequest, fleet: Fleet) -> Api:
    """Each server, where the route has no use for a database."""
    return fleet[f"{request.param}-sqlite"]


@pytest.fixture(params=DATABASES)
def service(request: pytest.FixtureRequest, fleet: Fleet) -> Api:
    """The service on each database, for what the gateway does not have."""
    return fleet[f"service-{request.param}"]


# engine: go
@pytest.fixture(params=DATABASES)
def pair(request: pytest.FixtureRequest, fleet: Fleet) -> tuple[Api, Api]:
    """Service and gateway on one database."""
    return fleet[f"service-{request.param}"], fleet[f"gateway-{request.param}"]


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with upstream(tmp_path_factory.mktemp("upstream") / "log") as host:
        yield host


# engine: end
@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Own]:
    """For the tests that stop it: the others' connections are not theirs to break."""
    with own_cluster() as found:
        yield found


@pytest.fixture(scope="session", params=SERVERS)
def bare(request: pytest.FixtureRequest) -> Iterator[Api]:
    """Each server as it comes, on SQLite; only its patience with the database is short."""
    with on_sqlite(request, database_timeout_s=str(DATABASE_TIMEOUT_S)) as api:
        yield api


@contextmanager
def on_sqlite(request: pytest.FixtureRequest, **settings: str) -> Iterator[Api]:
    """For fixtures with the parameters SERVERS: the server, with these settings."""
    directory = request.getfixturevalue("tmp_path_factory").mktemp("server")
    watchlist = request.getfixturevalue("watchlist_directory")
    with Start(request.param, directory / "log", watchlist)(
        Sqlite(directory / "x.db"), **settings
    ) as api:
        yield api


@pytest.fixture(params=SERVERS)
def start(request: pytest.FixtureRequest, tmp_path: Path, watchlist_directory: Path) -> Start:
    """Starts the server with settings of the test's own."""
    return Start(request.param, tmp_path / "log", watchlist_directory)


class Start:
    def __init__(self, name: str, log: Path, watchlist: Path) -> None:
        self.name = name
        self._log, self._watchlist = log, watchlist

    @contextmanager
    def __call__(
        self, database: Database, until: str = "/health/ready", **settings: str
    ) -> Iterator[Api]:
        settings = {"watchlist": str(self._watchlist), "database_url": database.url} | settings
        command = COMMANDS[self.name]
        # engine: go
        if self.name == "gateway":
            # What `hotpath gateway` does, without the seconds that Python takes to start.
            checked = DOMAIN.settings(**settings)  # type: ignore[arg-type]  # it parses text
            startup.prepare_database(checked, DOMAIN)
            variables = environment(checked)
            settings = {name.removeprefix("HOTPATH_"): text for name, text in variables.items()}
            command = (str(program_path("gateway")), "-listen", "127.0.0.1:{port}")
        # engine: end
        with serving(self._log, command=command, until=until, **settings) as server:
            yield Api(self.name, server, database)
