"""One URL means one database to both servers, and what it says is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import hotpath
from tests.contract.conftest import Start, upgraded
from tests.contract.postgres_proxy import PostgresProxy
from tests.contract.samples import payment
from tests.databases import Postgres, Sqlite
from tests.postgres import Own, new_database
from tests.servers import free_port

ROLE = "the & role"
PASSWORD = "a@b:c/d?e%f+g h#é"  # noqa: S105  # to be looked for
ENCODED = "a%40b%3Ac%2Fd%3Fe%25f+g%20h%23%C3%A9"


@pytest.fixture
def behind(own_postgres: Own) -> Iterator[tuple[Postgres, str, int]]:
    """A database, its name, and the port of TCP on which it is."""
    database = upgraded(new_database(own_postgres))
    assert isinstance(database, Postgres)
    database.run(f'DROP OWNED BY "{ROLE}"' if _has_role(database) else f'CREATE ROLE "{ROLE}"')
    database.run(f"ALTER ROLE \"{ROLE}\" LOGIN PASSWORD '{PASSWORD}'")
    database.run(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{ROLE}"')
    with PostgresProxy(Path(own_postgres.socket_path)) as proxy:
        yield database, database.url.partition("?")[0].rpartition("/")[2], proxy.port


def _has_role(database: Postgres) -> bool:
    return bool(database.rows("SELECT 1 FROM pg_roles WHERE rolname = ?", ROLE))


def sessions(database: Postgres, name: str) -> set[tuple[str, str]]:
    query = "SELECT usename, application_name FROM pg_stat_activity WHERE datname = ? AND pid <> "
    return {(row[0], row[1]) for row in database.rows(f"{query} pg_backend_pid()", name)}


@pytest.mark.parametrize(
    "form",
    [
        "postgres://{login}@127.0.0.1:{port}/{name}?{more}",
        "postgresql://{login}@localhost:{dead},127.0.0.1:{port}/{name}?{more}&sslmode=disable",
        "postgresql://{login}@/{name}?host={socket}&{more}",
        "postgresql://{login}@{encoded_socket}/{name}?{more}&sslmode=require",
        "postgresql://127.0.0.1:{port}/?dbname={name}&user=the%20%26%20role&password={password}&{more}",
    ],
)
def test_all_forms_of_a_url(form: str, start: Start, behind, own_postgres: Own) -> None:
    database, name, port = behind
    folder = os.path.dirname(own_postgres.socket_path)
    more = "application_name=an%20app&options=-c%20statement_timeout%3D7s&connect_timeout=10"
    url = form.format(
        login=f"the%20%26%20role:{ENCODED}",
        password=ENCODED,
        port=port,
        dead=free_port(),
        name=name,
        socket=folder,
        encoded_socket=folder.replace("/", "%2F"),
        more=more + "&channel_binding=prefer&target_session_attrs=any",
    )
    with start(Postgres(url)) as api:
        sent = payment()
        assert api.pay(sent).status_code == 201
        assert sessions(database, name) == {(ROLE, "an app")}
        query = "SELECT count(*) FROM payments WHERE end_to_end_id = ?"
        assert database.rows(query, sent["end_to_end_id"]) == [(1,)]
        assert PASSWORD not in (log := api.server.log.read_text())
        assert ENCODED not in log


def test_a_path_with_all_that_a_url_escapes(start: Start, tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "a b%20c?d#e'é.db")
    with start(database) as api:
        sent = payment()
        assert api.pay(sent).status_code == 201
        query = "SELECT count(*) FROM payments WHERE end_to_end_id = ?"
        assert database.rows(query, sent["end_to_end_id"]) == [(1,)]


# engine: go
def test_the_gateways_settings_may_be_in_files_and_are_refused_without_secrets(
    tmp_path: Path,
) -> None:
    (tmp_path / "url").write_text("mysql://u:hunter2@h/d\n")
    done = hotpath(
        *("gateway", "--port", str(free_port())),
        expect=2,
        HOTPATH_DATABASE_URL_FILE=str(tmp_path / "url"),
    )
    assert done.stderr.startswith(b"error: settings: database_url: expected sqlite:///")
    assert b"hunter2" not in done.stderr


# engine: end
