"""What a database's URL means. The expectations are of PostgreSQL's manual, "Connection URIs"."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from service.database_url import PostgresServers, SqliteFile, parse
from service.settings import Settings
from service.store.database import Database as Pool
from tests.platform.running import hotpath
from tests.postgres import Cluster, new_database
from tests.servers import free_port

COMMANDS = (("db", "upgrade"), ("db", "prune"), ("serve",))
SECRET = "hunter2"  # noqa: S105  # to be looked for


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGUSER", "me")


def of(url: str) -> PostgresServers:
    found = parse(url)
    assert isinstance(found, PostgresServers)
    return found


@pytest.mark.parametrize(
    ("url", "servers", "user", "password", "database"),
    [
        ("postgresql://localhost", [("localhost", 5432)], "me", None, "me"),
        ("postgresql://localhost:5433/", [("localhost", 5433)], "me", None, "me"),
        ("postgres://u@h/d", [("h", 5432)], "u", None, "d"),
        ("postgresql://u:p@h/d", [("h", 5432)], "u", "p", "d"),
        ("postgresql://u:@h/d", [("h", 5432)], "u", None, "d"),
        ("postgresql://u:a%40b%3Ac%2F%25+@h/my%20d", [("h", 5432)], "u", "a@b:c/%+", "my d"),
        (
            "postgresql://a,b:1,[2001:db8::1]:2/d",
            [("a", 5432), ("b", 1), ("2001:db8::1", 2)],
            "me",
            None,
            "d",
        ),
        ("postgresql://%2Fvar%2Frun/d", [("/var/run", 5432)], "me", None, "d"),
        ("postgresql:///d?host=/var/run&port=7", [("/var/run", 7)], "me", None, "d"),
        ("postgresql:///d?host=a,b&port=7,8", [("a", 7), ("b", 8)], "me", None, "d"),
        ("postgresql:///d?host=a,b&port=7", [("a", 7), ("b", 7)], "me", None, "d"),
        ("postgresql://h/d?user=u%26&password=%3D&dbname=e", [("h", 5432)], "u&", "=", "e"),
    ],
)
def test_where_a_postgresql_is(url, servers, user, password, database) -> None:
    found = of(url)
    assert list(found.servers) == servers
    assert (found.user, found.password, found.database) == (user, password, database)
    assert of(found.url()) == found  # what the gateway is given means the same


def test_what_the_url_leaves_out_comes_from_libpqs_variables(monkeypatch) -> None:
    for name, value in {
        "PGHOST": "a,b",
        "PGPORT": "7",
        "PGPASSWORD": SECRET,
        "PGDATABASE": "d",
        "PGAPPNAME": "n",
        "PGSSLMODE": "disable",
    }.items():
        monkeypatch.setenv(name, value)
    found = of("postgresql://")
    assert list(found.servers) == [("a", 7), ("b", 7)]
    assert (found.user, found.password, found.database) == ("me", SECRET, "d")
    assert found.parameters == {"application_name": "n", "sslmode": "disable"}
    assert of("postgresql://?sslmode=allow").parameters["sslmode"] == "allow"


@pytest.mark.parametrize(
    ("parameters", "meant"),
    [
        ("sslmode=require", {"sslmode": "require"}),
        ("ssl=true", {"sslmode": "require"}),  # JDBC's, which libpq takes
        ("channel_binding=prefer&client_encoding=UTF8", {"sslmode": "prefer"}),
        (
            "sslmode=verify-full&sslrootcert=system",
            {"sslmode": "verify-full", "sslrootcert": "system"},
        ),
        (
            "application_name=a%20b+c&connect_timeout=9",
            {"application_name": "a b+c", "connect_timeout": "9", "sslmode": "prefer"},
        ),
        ("options=-c%20search_path%3Dx", {"options": "-c search_path=x", "sslmode": "prefer"}),
        (
            "target_session_attrs=read-write",
            {"target_session_attrs": "read-write", "sslmode": "prefer"},
        ),
    ],
)
def test_libpqs_parameters_are_known(parameters: str, meant: dict[str, str]) -> None:
    assert of(f"postgresql://h/d?{parameters}").parameters == meant


def test_connect_timeout_can_only_make_the_settings_timeout_shorter() -> None:
    for seconds, expected in (("0", 3), ("2", 2), ("9", 3)):
        assert of(f"postgresql://h?connect_timeout={seconds}").arguments(3)["timeout"] == expected


REFUSED = {
    f"mysql://u:{SECRET}@h/d": "got another scheme",
    f"postgresql+asyncpg://u:{SECRET}@h/d": "got another scheme",
    SECRET: "got another scheme",
    "sqlite://x.db": "got two slashes",
    "sqlite://": "got two slashes",
    "sqlite:///": "expected a file",
    "sqlite:///folder/": "expected a file",
    "sqlite:///:memory:": "got :memory:",
    "sqlite:///%3Amemory%3A": "got :memory:",
    "sqlite:///x.db?mode=ro": "no parameters for SQLite, got 'mode'",
    "sqlite:///50%/x.db": "two hexadecimal digits",
    "sqlite:///%FF.db": "UTF-8",
    "sqlite:///a%00b": "no %00",
    f"postgresql://u:{SECRET}@x@h/d": "%40",
    f"postgresql://u:{SECRET}/x@h/d": "%40",
    f"postgresql://u:1?{SECRET}@h/d": "%40",
    f"postgresql://u:1/{SECRET}@h/d": "%40",
    f"postgresql://u:{SECRET}": "port",
    "postgresql://h:0/d": "port",
    "postgresql://h:65536/d": "port",
    "postgresql://h,i/d?port=1,2,3": "port: expected one for all hosts, or one for each",
    "postgresql://[::1/d": "[address]:port for IPv6",
    "postgresql://::1/d": "port",
    f"postgresql://u:%{SECRET}@h/d": "two hexadecimal digits",
    "postgresql://h/d?sslmode=on": "sslmode: expected one of disable, allow",
    "postgresql://h/d?ssl=prefer": "ssl: expected libpq's sslmode",
    "postgresql://h/d?channel_binding=require": "channel_binding: expected prefer or disable",
    "postgresql://h/d?gssencmode=require": "gssencmode: expected",
    "postgresql://h/d?sslmode=verify-full": "sslmode: expected sslrootcert with verify-full",
    "postgresql://h/d?sslrootcert=/nowhere": "sslrootcert: expected a readable file",
    "postgresql://h/d?sslcert=/etc/hosts": "sslcert: expected sslcert and sslkey",
    "postgresql://h/d?sslnegotiation=direct": "sslnegotiation: expected sslmode=require",
    "postgresql://h/d?connect_timeout=soon": "connect_timeout: expected a number",
    "postgresql://h/d?statement_cache_size=0": "'statement_cache_size': expected a parameter that",
    "postgresql://h/d?pool_max_conns=3": "'pool_max_conns': expected a parameter that",
    "postgresql://h/d?sslmode": "expected a value",
}


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_not_meant_is_refused_without_showing_it(url: str, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # which has no certificate
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the words are looked at
        parse(url)
    assert REFUSED[url] in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_refuse_a_url_by_name_and_without_its_password(command) -> None:
    port = () if command[0] == "db" else ("--port", str(free_port()))
    for url in (f"mysql://u:{SECRET}@h/d", f"postgresql://u:{SECRET}@h/d?channel_binding=require"):
        done = hotpath(*command, *port, expect=2, HOTPATH_DATABASE_URL=url)
        assert done.stderr.startswith(b"error: settings: database_url: ")
        assert SECRET.encode() not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "name", ["with space", "50%25 and %25s", "é", "a%3Fb%23c", "q'uo\"te", "+"]
)
def test_a_path_is_percent_decoded(name: str, tmp_path: Path) -> None:
    from urllib.parse import unquote

    hotpath("db", "upgrade", HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/{name}.db")
    made = {path.name for path in tmp_path.iterdir() if path.suffix == ".db"}
    assert made == {f"{unquote(name)}.db"}


def test_a_relative_path_is_of_the_working_directory() -> None:
    assert parse("sqlite:///x/../y.db") == SqliteFile(str(Path.cwd() / "y.db"))
    assert parse("sqlite:////abs/x.db") == parse("sqlite://///abs/x.db") == SqliteFile("/abs/x.db")


def test_postgresql_is_told_what_the_url_says(postgres: Cluster) -> None:
    url = new_database(postgres).url
    more = "application_name=a%20test&options=-c%20search_path%3Delsewhere&connect_timeout=5"
    settings = Settings(database_url=f"{url}{'&' if '?' in url else '?'}{more}")
    query = "SELECT current_setting('application_name'), current_setting('search_path')"

    async def run() -> None:
        async with Pool(settings) as pool, pool.read() as connection:
            row = (await connection.execute(text(query))).one()
            assert tuple(row) == ("a test", "elsewhere")

    asyncio.run(run())
