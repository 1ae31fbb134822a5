"""`hotpath new` on the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer


def new(
    name: Annotated[
        str, typer.Option(help="of its distribution, command, settings and packages, as acme")
    ],
    engines: Annotated[
        str, typer.Option(help="with commas between them; reference and python are always there")
    ],
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="of the project: a new or empty one")
    ] = None,
    sample: Annotated[
        str | None, typer.Option(help="the domain to keep: screening; else one kernel, nearest")
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="make this clone itself the project")
    ] = False,
) -> None:
    """Makes a project of its own from this clone, with the engines that you choose."""
    from scaffold.new import project
    from scaffold.new_kernel import RefusedError
    from service.cli import fail

    chosen = tuple(dict.fromkeys(engine.strip() for engine in engines.split(",") if engine.strip()))
    choice = project.Choice(name, chosen, sample)
    try:
        if here and directory is None:
            project.make_here(project.ROOT, choice)
        elif directory is not None and not here:
            project.make(project.ROOT, directory, choice)
        else:
            raise RefusedError(f"expected a DIR or --here, got {'both' if here else 'neither'}")
    except RefusedError as error:
        fail(str(error))
    except subprocess.CalledProcessError as error:
        output = (error.stderr or error.stdout or b"").decode(errors="replace").strip()
        fail(f"{' '.join(map(str, error.cmd))}: exit code {error.returncode}\n{output}", 1)
    except OSError as error:
        fail(str(error), 1)
    place = "here" if directory is None else f"in {directory}"
    typer.echo(f"{name} is {place}, with one commit of it. Next, there:")
    typer.echo(f"    {'make clean setup' if here else 'make setup'} && make test")
