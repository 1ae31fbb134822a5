"""Every setting of the platform, from the environment with the prefix HOTPATH_.

A domain that has more of them derives from the class.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Secret,
    SecretBytes,
    SecretStr,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service import database_url
from service.database_url import DatabaseUrl
from service.errors import ServiceError, shown

_URL = re.compile(
    r"(https?)://(?:(?:[\w.~!$&'()*+;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?"
    # Visible ASCII: what is not has to come percent-encoded. A fragment is never sent.
    r"(?:/(?:[!-\"$&->@-~]|%[0-9A-Fa-f]{2})*)?(?:\?(?:[!-\"$&-~]|%[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)
Rung = Literal["bare", "sqlalchemy", "model", "dict", "starlette", "compiled", "asgi"]


def _listed(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _sent_as_given(url: str) -> str:
    """Its path and query go out byte for byte: a signature is of just these bytes."""
    if not _URL.fullmatch(url) or not 0 < address_of(url)[1] < 1 << 16:
        raise PydanticCustomError(
            "url", "not a URL", {"expected": "http(s)://host/path?query as it is to be sent"}
        )
    return url


def address_of(url: str) -> tuple[str, int]:
    """Host, in brackets where it is an IPv6 address, and port of a URL of the settings."""
    found = _URL.fullmatch(url)
    assert found
    scheme, host, port = found.groups()
    return host.lower(), int(port or (443 if scheme == "https" else 80))


def _named(text: object) -> object:
    if not isinstance(text, str):
        return text
    found = {}
    for pair in filter(None, text.split(",")):
        name, _, url = pair.strip().partition("=")
        if not re.fullmatch(r"[a-z0-9_-]{1,32}", name) or not url or name in found:
            raise ValueError("expected name=URL pairs with commas between them, each name once")
        found[name] = url
    return found


def _from_files(settings: type[BaseSettings]) -> dict[str, str | None]:
    """Raises: ServiceError invalid_argument for a file that cannot be read, or is one too many."""
    found: dict[str, str | None] = {}
    for name in settings.model_fields:
        variable = f"HOTPATH_{name.upper()}"
        path = os.environ.get(f"{variable}_FILE")
        if path is None:
            continue
        if variable in os.environ:
            raise _wrong_file(variable, f"expected no {variable} besides, got both")
        try:
            found[variable.lower()] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            got = f"{shown(path)}: {error.strerror}"
            raise _wrong_file(variable, f"expected a readable file, got {got}") from error
        except ValueError as error:
            raise _wrong_file(variable, "expected a file in UTF-8, got another") from error
    return found


def _wrong_file(variable: str, words: str) -> ServiceError:
    return ServiceError("invalid_argument", f"settings: {variable}_FILE: {words}")


def _has_secret(annotation: Any) -> bool:
    if get_origin(annotation) is Secret or annotation in (SecretStr, SecretBytes):
        return True
    return any(map(_has_secret, get_args(annotation)))


def _meant(url: SecretStr) -> SecretStr:
    """With nothing left to be found out, so that every reader finds the same."""
    return SecretStr(database_url.parse(url.get_secret_value()).url())


class Settings(BaseSettings):
    """What can hold a password or a key is a Secret, whose text no message and no log shows.

    Each may be in a file instead, named by its variable and _FILE; it is read as UTF-8, without
    white space around it.
    """

    model_config = SettingsConfigDict(env_prefix="HOTPATH_", extra="ignore")

    engine: str | None = Field(
        None,
        description="engine that serves, of `hotpath engines`; "
        "the last of them that needs no sidecar by default",
    )
    offload: str | None = Field(
        None, description="how calls leave the event loop; the engine's first one by default"
    )
    allow_engine_override: bool = Field(
        False, description="let a request choose its engine by X-Engine"
    )
    threads: int = Field(
        os.cpu_count() or 1, ge=1, le=256, description="workers of the thread offload"
    )
    processes: int = Field(
        os.cpu_count() or 1, ge=1, le=256, description="workers of the process offload"
    )
    kernel_threads: int = Field(
        1, ge=1, le=256, description="cores that one large call may use, in engines that can"
    )
    max_waiting: int = Field(
        64, ge=0, description="calls that may wait for a worker; more are refused with 503"
    )
    request_timeout_s: float = Field(10, gt=0, description="deadline of a request")
    shutdown_pause_s: float = Field(
        0,
        ge=0,
        le=600,
        description="time after a signal to stop in which all is served; /health/ready is 503",
    )
    shutdown_grace_s: int = Field(
        15, ge=1, description="time after it that running requests have to finish; then 503"
    )
    compiled_routes: bool = Field(
        True, description="answer declared routes by code made from them; see `hotpath routes`"
    )
    bytes_to_bytes: bool = Field(
        True,
        description="where a route is compiled, let an engine that can do it answer a body without "
        "the models",
    )
    max_body_bytes: int = Field(1 << 20, ge=1, description="larger request bodies are refused")
    max_head_bytes: int = Field(
        1 << 16,
        ge=1 << 13,
        le=1 << 20,
        description="a larger head of a request (its first line and its fields) is refused",
    )
    max_head_fields: int = Field(
        100, ge=1, le=10_000, description="a head with more fields is refused"
    )
    head_timeout_s: float = Field(
        10, gt=0, le=3600, description="time until a head is complete, from its connection's start"
    )
    keep_alive_s: float = Field(
        75, gt=0, le=86_400, description="a connection without a request for so long is closed"
    )
    body_timeout_s: float = Field(
        8, gt=0, le=3600, description="time until a body is complete, from its head's end"
    )
    send_timeout_s: float = Field(
        20,
        gt=0,
        le=3600,
        description="a client that takes less than 64 KiB of its answer in so long is cut off",
    )
    max_unfinished_bytes: int = Field(
        1 << 26,
        ge=1 << 16,
        description="memory for bodies that are still arriving, of each process; past it the "
        "oldest of them are refused",
    )
    max_connections: int = Field(
        10_000,
        ge=1,
        description="open connections, of each process, and fewer where it has few file "
        "descriptors; past it idle ones are closed, or new ones refused",
    )
    max_connections_per_address: int = Field(
        0, ge=0, description="open connections of one client's address, of each process; 0: any"
    )
    probe_address: str | None = Field(
        None,
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^\[\]:/\s]+):[0-9]{1,5}$",
        description="host:port of a listener of its own for /health, which answers while the "
        "service is at its limit",
    )
    sidecar_address: str | None = Field(
        None,
        description="gRPC address of a running sidecar (unix:/path or host:port); "
        "by default the service starts one itself",
    )
    sidecar_on_failure: str = Field(
        "fail",
        description="what a request gets while the sidecar is away: `fail` is 503 with "
        "Retry-After; the name of an engine is its answer, with X-Engine-Instead-Of",
    )
    sidecar_coalesce: bool = Field(
        True, description="calls of one turn of the event loop leave for the sidecar as one RPC"
    )
    database_url: Annotated[SecretStr, AfterValidator(_meant)] = Field(
        SecretStr("sqlite:///hotpath.db"),
        description="sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:pw@host/db",
    )
    database_pool_size: int = Field(
        10, ge=1, le=1000, description="connections to the database, of each server process"
    )
    database_timeout_s: float = Field(
        3, gt=0, description="a database that takes longer is taken for gone: 503"
    )
    upstreams: Annotated[
        dict[str, Secret[Annotated[str, AfterValidator(_sent_as_given)]]],
        NoDecode,
        BeforeValidator(_named),
    ] = Field(
        {},
        description="other services to ask: name=URL, with commas between them, and %2C for one "
        "inside; path and query are sent as given, with what is asked for behind",
    )
    upstream_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="hosts that may be asked: host or host:port, with commas between them"
    )
    upstream_timeout_s: float = Field(
        2, gt=0, description="deadline of all upstreams together, for one request"
    )
    upstream_connections: int = Field(
        100, ge=1, le=10_000, description="requests to upstreams at one time, of each process"
    )
    upstream_max_bytes: int = Field(
        1 << 16, ge=1, description="larger answers of upstreams are refused"
    )
    bench_routes: bool = Field(False, description="mount /bench/*, the lab's comparison routes")
    bench_rung: Rung = Field(
        "compiled", description="how /bench/json and /bench/db are served; see docs/ladder.md"
    )
    test_slowdown: float = Field(
        1,
        ge=1,
        le=10,
        description="for the lab's own test: kernels in this process take so many times as long; "
        "only with bench_routes",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = EnvSettingsSource(settings_cls)
        files.env_vars = _from_files(settings_cls)
        return init_settings, env_settings, files

    @classmethod
    def is_secret(cls, name: str) -> bool:
        """Whether what came for the setting may be a secret."""
        return name in cls.model_fields and _has_secret(cls.model_fields[name].annotation)

    @model_validator(mode="after")
    def _upstreams_are_allowed(self) -> Self:
        for name, url in self.upstreams.items():
            host, port = address_of(url.get_secret_value())
            if not self.may_ask(host, port):
                raise ValueError(
                    f"upstreams: expected '{name}' at a host of HOTPATH_UPSTREAM_HOSTS, "
                    f"got {host}:{port}"
                )
        return self

    @model_validator(mode="after")
    def _slow_for_tests_alone(self) -> Self:
        if self.test_slowdown != 1 and not self.bench_routes:
            raise ValueError(
                f"test_slowdown: expected 1 without bench_routes, got {self.test_slowdown}"
            )
        return self

    @property
    def database(self) -> DatabaseUrl:
        """Where database_url leads."""
        return database_url.parse(self.database_url.get_secret_value())

    def may_ask(self, host: str, port: int) -> bool:
        """Whether an upstream may be there: the allow-list has the host, or the host:port."""
        return host in self.upstream_hosts or f"{host}:{port}" in self.upstream_hosts
