"""Starts the Go programs that stand beside the service, with the service's own settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from service.settings import Settings


def environment(settings: Settings) -> dict[str, str]:
    """Every setting as a variable, defaults included: the gateway has none of its own."""
    return {
        f"HOTPATH_{name.upper()}": _text(value) for name, value in settings if value is not None
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in value.items())
    return ",".join(value) if isinstance(value, tuple) else str(value)


def become(program: Path, *arguments: str, **variables: str) -> None:
    """This process goes on as the program."""
    os.execve(program, [str(program), *arguments], os.environ | variables)  # noqa: S606  # no shell is wanted


Host = Annotated[str, typer.Option(help="address to listen on")]
Port = Annotated[int, typer.Option(min=1, max=65535)]


def gateway(host: Host = "127.0.0.1", port: Port = 8080) -> None:
    """Serves the same HTTP contract in plain Go, with the settings of `serve`."""
    from hotpath_go import gateway_path

    from service import startup
    from service.cli import errors_shown
    from service.wiring import DOMAIN

    with errors_shown():
        settings = startup.settings_from(DOMAIN)
        startup.prepare_database(settings, DOMAIN)
        variables = environment(settings) | dict(DOMAIN.gateway_environment(settings))
        become(gateway_path(), "-listen", f"{host}:{port}", **variables)


def upstream(
    host: Host = "127.0.0.1",
    port: Port = 9000,
    delay_ms: Annotated[float, typer.Option(min=0, help="how long each answer takes")] = 20,
) -> None:
    """Serves exchange rates for trying out /v1/rates: GET /rates/NAME?base=EUR."""
    from hotpath_go import upstream_path

    become(upstream_path(), "-listen", f"{host}:{port}", "-delay", f"{delay_ms}ms")
