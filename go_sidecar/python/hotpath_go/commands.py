"""The command of the gateway, which runs with the settings of the service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Secret, SecretStr

from hotpath_go import program_path

if TYPE_CHECKING:
    from service.settings import Settings

Host = Annotated[str, typer.Option(help="address to listen on")]
Port = Annotated[int, typer.Option(min=1, max=65535)]


def gateway(host: Host = "127.0.0.1", port: Port = 8080) -> None:
    """Serves the same HTTP contract in plain Go, with the settings of `serve`."""
    from service import startup
    from service.cli import errors_shown
    from service.wiring import DOMAIN

    with errors_shown():
        settings = startup.settings_from(DOMAIN)
        startup.prepare_database(settings, DOMAIN)
        variables = {**environment(settings), **DOMAIN.gateway_environment(settings)}
    become("gateway", "-listen", address(host, port), variables=variables)


def address(host: str, port: int) -> str:
    """As Go takes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def environment(settings: Settings) -> dict[str, str]:
    """Every setting as a variable, defaults included: the gateway has none of its own."""
    return {
        f"HOTPATH_{name.upper()}": _text(value) for name, value in settings if value is not None
    }


def _text(value: Any) -> str:
    if isinstance(value, Secret | SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{name}={_text(item)}" for name, item in value.items())
    return ",".join(map(_text, value)) if isinstance(value, tuple) else str(value)


def become(program: str, *arguments: str, variables: Mapping[str, str]) -> None:
    """This process goes on as the program of that name."""
    path = program_path(program)
    os.execve(path, [str(path), *arguments], os.environ | variables)  # noqa: S606  # no shell is wanted
