"""Every setting, from the environment with the prefix HOTPATH_."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOTPATH_", extra="ignore")

    engine: str = Field("rust", description="engine that serves; see `hotpath engines`")
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
    watchlist: Path | None = Field(
        None, description="directory with sdn.csv and alt.csv; a synthetic list by default"
    )
    sidecar_address: str | None = Field(
        None,
        description="gRPC address of a running sidecar (unix:/path or host:port); "
        "by default the service starts one itself",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
