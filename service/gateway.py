"""Starts the Go programs that stand beside the service, with the service's own settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from service.settings import Settings


def environment(settings: Settings, watchlist: Path) -> dict[str, str]:
    """Every setting as a variable, defaults included: the gateway has none of its own."""
    values: dict[str, Any] = dict(settings) | {"watchlist": watchlist.resolve()}
    return {
        f"HOTPATH_{name.upper()}": _text(value)
        for name, value in values.items()
        if value is not None
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
