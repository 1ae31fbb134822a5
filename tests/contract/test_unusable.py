"""A PostgreSQL that answers and cannot be used: both servers say which it is, and tell no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import hotpath
from tests.contract.conftest import Api, Start, upgraded
from tests.contract.postgres_proxy import PostgresProxy
from tests.contract.samples import new_id, payment, problem
from tests.databases import Postgres
from tests.postgres import Own, new_database
from tests.servers import free_port, wait_until

PASSWORD = "s3cret/of@it"  # noqa: S105  # to be looked for
COMMANDS = (
    *(("db", "upgrade"), ("db", "prune"), ("serve",)),
    # engine: go
    ("gateway",),
    # engine: end
)


@dataclass
class Place:
    """A database, as its owner and as the role that the servers have."""

    owner: Postgres
    role: str
    name: str
    admin: Postgres

    @property
    def served(self) -> Postgres:
        return Postgres(self.owner.url.replace("postgres:", f"{self.role}:s3cret%2Fof%40it", 1))

    def cut(self) -> None:
        """Ends the connections that are there, which go on as they were."""
        others = f"datname = '{self.name}' AND pid <> pg_backend_pid()"
        self.admin.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608  # a name of ours


@pytest.fixture
def place(own_postgres: Own) -> Place:
    owner = upgraded(new_database(own_postgres))
    assert isinstance(owner, Postgres)
    name = owner.url.partition("?")[0].rpartition("/")[2]
    role = f"role_of_{name}"
    owner.run(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
    owner.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    return Place(owner, role, name, Postgres(own_postgres.url("postgres")))


def assert_said(api: Api, words: str, role: str) -> None:
    """To who called, and the log says more; neither has a secret."""
    for answer in (api.pay(payment()), api.pay(payment(), new_id("key"))):
        document = problem(answer, "database_unavailable")
        assert document["detail"] == words
        assert role not in answer.text
    log = api.server.log.read_text()
    assert "database unavailable" in log
    assert words in log or api.name == "service"
    for secret in (PASSWORD, "s3cret", "%2Fof"):
        assert secret not in log


def test_a_database_that_became_read_only(start: Start, place: Place) -> None:
    with start(place.served) as api:
        assert api.pay(payment()).status_code == 201
        place.owner.run(f"ALTER DATABASE {place.name} SET default_transaction_read_only = on")
        place.cut()
        wait_until(lambda: api.get("/v1/payments").status_code == 200, "a new connection")
        wait_until(lambda: "read-only" in api.pay(payment()).text, "the other connections' end")
        assert_said(api, "the database is read-only", place.role)
        assert "read-only transaction" in api.server.log.read_text()
        assert api.get("/v1/payments").status_code == 200


def test_a_database_that_is_read_only_from_the_start_serves_what_is_there(
    start: Start, place: Place
) -> None:
    place.owner.run(f"ALTER DATABASE {place.name} SET default_transaction_read_only = on")
    with start(place.served) as api:
        assert api.get("/v1/payments").status_code == 200
        assert_said(api, "the database is read-only", place.role)
        if api.name == "service":
            assert "the database is read-only: requests that write" in api.server.log.read_text()


def test_a_role_that_may_only_read(start: Start, place: Place) -> None:
    place.owner.run(f"REVOKE INSERT ON payments FROM {place.role}")
    with start(place.served) as api:
        assert api.get("/v1/payments").status_code == 200
        words = "the database does not permit the service to do this"
        assert_said(api, words, place.role)
        assert "permission denied for table payments" in api.server.log.read_text()


def test_a_role_that_may_no_longer_log_in(start: Start, place: Place) -> None:
    with start(place.served) as api:
        assert api.pay(payment()).status_code == 201
        place.admin.run(f"ALTER ROLE {place.role} NOLOGIN")
        place.cut()
        wait_until(lambda: "login" in api.pay(payment()).text, "the other connections' end")
        assert_said(api, "the database refuses the service's login", place.role)
        assert api.get("/health/ready").status_code == 503
        place.admin.run(f"ALTER ROLE {place.role} LOGIN")
        wait_until(lambda: api.pay(payment()).status_code == 201, "its return")


def test_a_database_that_was_removed(start: Start, place: Place) -> None:
    with start(place.served) as api:
        assert api.pay(payment()).status_code == 201
        place.cut()
        place.admin.run(f"DROP DATABASE {place.name} WITH (FORCE)")
        wait_until(lambda: "no such" in api.pay(payment()).text, "the other connections' end")
        assert_said(api, "there is no such database", place.role)
        assert api.get("/health/live").status_code == 200


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_wrong_is_said_at_start(command, own_postgres: Own, place: Place) -> None:
    proxy = PostgresProxy(Path(own_postgres.socket_path))
    with proxy:
        at_proxy = f"{place.role}:s3cret%2Fof%40it@127.0.0.1:{proxy.port}"
        wrong = {
            f"postgresql://{at_proxy}/nowhere": (b"there is no such database", b"nowhere"),
            f"postgresql://{at_proxy}/{place.name}?sslmode=require": (
                b"the connection to the database cannot be secured",
                b"SSL",
            ),
            f"postgresql://nobody@127.0.0.1:{proxy.port}/{place.name}": (
                b"the database refuses the service's login",
                b'role "nobody" does not exist',
            ),
        }
        port = () if command[0] == "db" else ("--port", str(free_port()))
        for url, (words, more) in wrong.items():
            done = hotpath(*command, *port, expect=1, HOTPATH_DATABASE_URL=url)
            assert done.stderr.endswith(b"error: " + words + b"\n")
            assert more in done.stderr
            assert b"s3cret" not in done.stderr
