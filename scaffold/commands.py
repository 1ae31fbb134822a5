"""The commands that make code; not there where the service is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parent.parent


def new_kernel(
    name: Annotated[str, typer.Argument(help="of the function, such as nearest")],
) -> None:
    """Puts in place all that a kernel needs, on every engine, but its bodies."""
    from scaffold import new_kernel
    from service.cli import fail
    from service.wiring import DOMAIN

    try:
        done = new_kernel.make(ROOT, name, DOMAIN)
    except new_kernel.RefusedError as error:
        fail(str(error))
    for path in done:
        typer.echo(path)
    typer.echo(
        "\nNow: make setup, and `make test` is red where a body is to be written; "
        "docs/your-first-kernel.md goes on from there."
    )
