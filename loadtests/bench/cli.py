"""`hotpath bench`. Imports stay light, as for every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from loadtests.bench import kernels
from loadtests.options import Options, with_fields_of
from service.wiring import DOMAIN

BENCHES = kernels.benches_of(DOMAIN)
app = typer.Typer(no_args_is_help=True, help="Time the kernels by themselves.")


@app.callback()
def bench() -> None:
    """Time the kernels by themselves."""


@app.command("kernels")
@with_fields_of(BENCHES.options)
def time_kernels(
    options: Options,
    *,
    kernel: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(BENCHES.names())}")
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="only these engines, and the peers")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="counted time of each row")] = 5.0,
    out: Annotated[Path | None, typer.Option(help="write the raw run to this JSON file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a row")] = False,
) -> None:
    """Every engine and the peers, each in its own process, interleaved."""
    from loadtests.bench import page
    from service.errors import ServiceError
    from service.offload.spec import find

    try:
        if not BENCHES.kernels:
            raise ServiceError(
                "invalid_argument", f"the domain '{DOMAIN.name}' has no kernel benches"
            )
        for name in engine or []:
            find(DOMAIN.engines, name).load()
        for name in kernel or []:
            if name not in BENCHES.names():
                raise ServiceError(
                    "invalid_argument",
                    f"kernel: expected one of {', '.join(BENCHES.names())}, got '{name}'",
                )
        facts = options.facts()
        samples = kernels.run(
            kernels.contestants(DOMAIN, kernel or [], engine or []),
            DOMAIN.engines,
            options,
            seconds,
            lambda text: typer.echo(text, err=True),
        )
    except ServiceError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except kernels.BenchError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if out:
        page.store(out, samples, DOMAIN.engines, facts, seconds)
    for row in (sample.row() for sample in samples):
        if as_json:
            typer.echo(json.dumps(row))
        else:
            typer.echo(
                f"{row['kernel']:<9} {row['implementation']:<18} {row['threads']:>2} threads "
                f"{row['ns_per_unit']:>12.3f} ns/{row['unit']:<7} "
                f"({row['ci_low']:.3f} to {row['ci_high']:.3f})"
            )


@app.command("page")
def write_page(
    run: Annotated[
        Path, typer.Argument(help="a raw run that `kernels` wrote, or the folder of a lab run")
    ],
    into: Annotated[
        Path | None,
        typer.Option(help="the page whose tables are replaced; docs/kernels.md or docs/ladder.md"),
    ] = None,
) -> None:
    """Puts the tables of a stored run between the markers of a page: of a lab run its ladder."""
    from loadtests.bench import ladder, page
    from loadtests.lab.targets import LabError

    try:
        if run.is_dir():
            ladder.write(run, into or Path("docs/ladder.md"))
        else:
            page.write(run, into or Path("docs/kernels.md"), BENCHES)
    except (LabError, OSError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
