"""What a database's URL means, for both servers: SQLite's is a path, PostgreSQL's is libpq's.

The drivers read such URLs each in its own way, so none of them gets to: they are given what is
found here. No message has a value of the URL, because what is wrong in it may be a password.

Source: PostgreSQL's manual, "Connection URIs" and "Parameter Key Words".
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

EXPECTED = "expected sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:pw@host/db"
_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslnegotiation")
_FILES = ("sslrootcert", "sslcert", "sslkey")
_SESSION = ("application_name", "options")
_KNOWN = {
    *("host", "port", "user", "password", "dbname"),
    *("passfile", "connect_timeout", "target_session_attrs", *_TLS, *_SESSION),
}
_CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "target_session_attrs": (
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
}
# What both drivers do anyway; anything else is refused, since one of them at least cannot do it.
_AS_IT_IS = {
    "channel_binding": ("prefer", "disable"),
    "client_encoding": ("utf8", "utf-8", "auto"),
    "gssencmode": ("prefer", "disable"),
    "load_balance_hosts": ("disable",),
    "sslsni": ("1",),
}
# What a URL leaves out. The drivers would look for some of these, each for others.
_ENVIRONMENT = {
    "PGAPPNAME": "application_name",
    "PGCHANNELBINDING": "channel_binding",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGDATABASE": "dbname",
    "PGOPTIONS": "options",
    "PGPASSFILE": "passfile",
    "PGPASSWORD": "password",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "PGSSLMODE": "sslmode",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLROOTCERT": "sslrootcert",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGUSER": "user",
}
_SPELLING = "in name and password @ : / ? % are %40 %3A %2F %3F %25"
_SOCKETS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108  # libpq's own


@dataclass(frozen=True, slots=True)
class SqliteFile:
    path: str
    dialect = "sqlite"

    def __str__(self) -> str:
        return self.path

    def url(self) -> str:
        return f"sqlite:///{quote(self.path)}"


@dataclass(frozen=True, slots=True)
class PostgresServers:
    """Servers to try one after the other, each a name, an address or a socket's folder and a
    port. parameters: libpq's others."""

    servers: tuple[tuple[str, int], ...]
    user: str
    password: str | None
    database: str
    parameters: Mapping[str, str]
    dialect = "postgresql"

    def __repr__(self) -> str:
        return f"PostgresServers({self})"

    def __str__(self) -> str:
        servers = ", ".join(f"{host}:{port}" for host, port in self.servers)
        return f"database {self.database!a} at {servers} as {self.user!a}"

    def url(self) -> str:
        """One that leaves nothing to be found out, in words that libpq and the gateway know."""
        hosts, ports = zip(*self.servers)
        everything = {
            "host": ",".join(hosts),
            "port": ",".join(map(str, ports)),
            "user": self.user,
            "dbname": self.database,
            **({} if self.password is None else {"password": self.password}),
            **self.parameters,
        }
        return f"postgresql://?{urlencode(everything, quote_via=quote, safe='')}"

    def arguments(self, timeout_s: float) -> dict[str, Any]:
        """For asyncpg.connect. timeout_s: connect_timeout can only make it shorter."""
        hosts, ports = zip(*self.servers)
        given = self.parameters
        tls = {name: given[name] for name in _TLS if name in given}
        arguments: dict[str, Any] = {}
        if tls.get("sslrootcert") == "system":  # which asyncpg does not know
            arguments["ssl"] = _system_tls(tls)
            tls = {name: tls[name] for name in ("sslnegotiation",) if name in tls}
        return arguments | {
            "dsn": f"postgresql://?{urlencode(tls, quote_via=quote, safe='')}",
            "host": list(hosts),
            "port": list(ports),
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "passfile": given.get("passfile"),
            "target_session_attrs": given.get("target_session_attrs"),
            "server_settings": {name: given[name] for name in _SESSION if name in given},
            "timeout": min(timeout_s, float(given.get("connect_timeout", 0)) or timeout_s),
        }


def _system_tls(tls: Mapping[str, str]) -> Any:
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["postgresql"])
    if "sslcert" in tls:
        password = tls.get("sslpassword", "")
        context.load_cert_chain(tls["sslcert"], tls["sslkey"], lambda: password)
    return context


DatabaseUrl = SqliteFile | PostgresServers


def parse(url: str) -> DatabaseUrl:
    """Raises: ValueError, with words that have nothing of the URL but names of parameters."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        return _sqlite(rest)
    if separator and scheme in ("postgresql", "postgres"):
        return _postgres(rest)
    raise ValueError(f"{EXPECTED}, got another scheme")


def _sqlite(rest: str) -> SqliteFile:
    if not rest.startswith("/"):
        raise ValueError(f"{EXPECTED}, got two slashes")
    path, question, parameters = rest[1:].partition("?")
    if question:
        name = _shown_name(parameters)
        raise ValueError(f"expected no parameters for SQLite, got {name} (a ? in a path is %3F)")
    path = _decoded(path)
    if path.startswith(":memory:"):
        raise ValueError("expected a file, got :memory:, of which each connection has its own")
    if not path or path.endswith("/"):
        raise ValueError("expected a file, got a folder or nothing")
    return SqliteFile("/" + os.path.abspath(path).lstrip("/"))


def _postgres(rest: str) -> PostgresServers:
    split = re.fullmatch(r"([^/?]*)(?:/([^?]*))?(?:\?(.*))?", rest, re.DOTALL)
    assert split
    authority, database, query = (part or "" for part in split.groups())
    login, at, place = authority.rpartition("@")
    # Else the wrong part of it would be taken for the password, and another one be shown.
    if "@" in login or "/" in database or (":" in place and not at and "@" in rest):
        raise ValueError(f"expected postgresql://user:pw@host/db; {_SPELLING}")
    user, _, password = login.partition(":")
    written = {"user": user, "password": password, "dbname": database}
    given = {
        **{name: os.environ.get(variable, "") for variable, name in _ENVIRONMENT.items()},
        **{name: _decoded(text) for name, text in written.items() if text},
        **_parameters(query),
    }
    given = {name: text for name, text in given.items() if text or name not in _KNOWN}
    hosts, ports = _hosts(place)
    if "host" in given:
        hosts, ports = given.pop("host").split(","), [""]
    if "port" in given:
        ports = given.pop("port").split(",")
    user = given.pop("user", "") or _own_name()
    return PostgresServers(
        _servers(hosts, ports),
        user,
        given.pop("password", None),
        given.pop("dbname", user),
        _checked(given),
    )


def _hosts(place: str) -> tuple[list[str], list[str]]:
    hosts, ports = [], []
    for server in place.split(","):
        found = re.fullmatch(r"(?:\[([0-9A-Za-z:.%]+)\]|([^:\[\]]*))(?::(.*))?", server, re.DOTALL)
        if not found:
            raise ValueError("expected host:port, or [address]:port for IPv6, with commas between")
        hosts.append(_decoded(found[1] or found[2] or ""))
        ports.append(_decoded(found[3] or ""))
    return hosts, ports


def _servers(hosts: list[str], ports: list[str]) -> tuple[tuple[str, int], ...]:
    if not any(hosts) and os.environ.get("PGHOST"):
        hosts = os.environ["PGHOST"].split(",")
    hosts = hosts or [""]
    if not any(ports):
        ports = os.environ.get("PGPORT", "").split(",")
    if len(ports) == 1:
        ports = ports * len(hosts)
    if len(ports) != len(hosts):
        raise ValueError("port: expected one for all hosts, or one for each")
    for port in ports:
        # Not shown: what stands at a port's place may be the password of a URL that is not right.
        if port and not (re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
            raise ValueError(f"port: expected 1 to 65535; {_SPELLING}")
    return tuple(
        (host or _default_host(int(port or 5432)), int(port or 5432))
        for host, port in zip(hosts, ports)
    )


def _default_host(port: int) -> str:
    for folder in _SOCKETS:
        if os.path.exists(f"{folder}/.s.PGSQL.{port}"):
            return folder
    return "localhost"


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise ValueError(
            "expected a user's name, as this process runs as a nameless one"
        ) from error


def _parameters(query: str) -> dict[str, str]:
    """By name, the last one of a name. A plus sign is one."""
    found: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name, value = _decoded(name), _decoded(value)
        if not equals:
            raise ValueError(f"expected a value for each parameter; {_SPELLING}")
        if name == "ssl":  # of JDBC's, which libpq takes in this form alone
            if value != "true":
                raise ValueError("ssl: expected libpq's sslmode in its place")
            name, value = "sslmode", "require"
        found[name] = value
    return found


def _checked(given: dict[str, str]) -> dict[str, str]:
    for name, usual in _AS_IT_IS.items():
        if (value := given.pop(name, "")) and value.lower() not in usual:
            raise ValueError(
                f"{name}: expected {' or '.join(usual)}, which is what the drivers can do, "
                "or no such parameter"
            )
    for name, value in given.items():
        if name not in _KNOWN:
            raise ValueError(
                f"{_shown_name(name)}: expected a parameter that both servers know: "
                f"{', '.join(sorted(_KNOWN))}"
            )
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ValueError(f"{name}: expected one of {', '.join(_CHOICES[name])}")
    if not re.fullmatch(r"[0-9]{1,9}", given.get("connect_timeout", "0")):
        raise ValueError("connect_timeout: expected a number of seconds")
    return given | _checked_tls(given)


def _checked_tls(given: Mapping[str, str]) -> dict[str, str]:
    mode = given.get("sslmode", "prefer")
    root = given.get("sslrootcert")
    if root == "system":
        mode = "verify-full" if "sslmode" not in given else mode
        if mode != "verify-full":
            raise ValueError("sslrootcert: expected sslmode=verify-full with system")
    if mode.startswith("verify") and not root:
        root = os.path.expanduser("~/.postgresql/root.crt")
        if not os.path.exists(root):
            raise ValueError(f"sslmode: expected sslrootcert with {mode}: a file, or system")
    if given.get("sslnegotiation") == "direct" and mode in ("disable", "allow", "prefer"):
        raise ValueError("sslnegotiation: expected sslmode=require or more with direct")
    if ("sslcert" in given) != ("sslkey" in given):
        raise ValueError("sslcert: expected sslcert and sslkey, or none of them")
    for name in _FILES:
        path = root if name == "sslrootcert" else given.get(name)
        if path and path != "system" and not (Path(path).is_file() and os.access(path, os.R_OK)):
            raise ValueError(f"{name}: expected a readable file")
    return {"sslmode": mode, **({"sslrootcert": root} if root else {})}


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("expected two hexadecimal digits after each % (the sign itself is %25)")
    try:
        found = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError("expected UTF-8 in what is written with %") from error
    if "\0" in found:
        raise ValueError("expected no %00")
    return found


def _shown_name(text: str) -> str:
    name = text.partition("=")[0]
    return f"'{name}'" if re.fullmatch(r"[a-z_]{2,32}", name) else "one that has another name"
