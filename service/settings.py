"""Every setting of the platform, from the environment with the prefix HOTPATH_.

A domain that has more of them derives from the class.
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, HttpUrl, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Rung = Literal["bare", "sqlalchemy", "model", "dict", "starlette", "fast-lane", "asgi"]


def _listed(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(part.strip() for part in text.split(",") if part.strip())


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


class Settings(BaseSettings):
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
    shutdown_grace_s: int = Field(
        15, ge=1, description="time that running requests have to finish at shutdown"
    )
    max_body_bytes: int = Field(1 << 20, ge=1, description="larger request bodies are refused")
    sidecar_address: str | None = Field(
        None,
        description="gRPC address of a running sidecar (unix:/path or host:port); "
        "by default the service starts one itself",
    )
    sidecar_coalesce: bool = Field(
        True, description="calls of one turn of the event loop leave for the sidecar as one RPC"
    )
    database_url: str = Field(
        "sqlite:///hotpath.db",
        pattern=r"^(sqlite:///.+|postgres(ql)?://.+)$",
        description="sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:pw@host/db",
    )
    database_pool_size: int = Field(
        10, ge=1, le=1000, description="connections to the database, of each server process"
    )
    database_timeout_s: float = Field(
        3, gt=0, description="a database that takes longer is taken for gone: 503"
    )
    upstreams: Annotated[dict[str, HttpUrl], NoDecode, BeforeValidator(_named)] = Field(
        {}, description="other services to ask: name=URL, with commas between them"
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
        "model", description="how /bench/json and /bench/db are served; see docs/ladder.md"
    )
    test_slowdown: float = Field(
        1,
        ge=1,
        le=10,
        description="for the lab's own test: kernels in this process take so many times as long; "
        "only with bench_routes",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @model_validator(mode="after")
    def _upstreams_are_allowed(self) -> Self:
        for name, url in self.upstreams.items():
            if not self.may_ask(str(url.host), url.port):
                raise ValueError(
                    f"upstreams: expected '{name}' at a host of HOTPATH_UPSTREAM_HOSTS, "
                    f"got {url.host}:{url.port}"
                )
        return self

    @model_validator(mode="after")
    def _slow_for_tests_alone(self) -> Self:
        if self.test_slowdown != 1 and not self.bench_routes:
            raise ValueError(
                f"test_slowdown: expected 1 without bench_routes, got {self.test_slowdown}"
            )
        return self

    def may_ask(self, host: str, port: int | None) -> bool:
        """Whether an upstream may be there: the allow-list has the host, or the host:port."""
        return host in self.upstream_hosts or f"{host}:{port}" in self.upstream_hosts
