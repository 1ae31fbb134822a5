"""`hotpath bench`. Imports stay light, as for every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Time the kernels by themselves.")


@app.callback()
def bench() -> None:
    """Time the kernels by themselves."""


@app.command("kernels")
def time_kernels(
    kernel: Annotated[list[str] | None, typer.Option(help="screen, validate or seal")] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="only these engines, and the peers")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--watchlist", metavar="DIR", help="synthetic by default")
    ] = None,
    cutoff: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.9,
    seconds: Annotated[float, typer.Option(min=0.1, help="counted time of each row")] = 5.0,
    out: Annotated[Path | None, typer.Option(help="write the raw run to this JSON file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a row")] = False,
) -> None:
    """Every engine and the peers, each in its own process, interleaved."""
    from loadtests.bench import kernels, page
    from loadtests.bench.workloads import KERNELS
    from service.errors import ServiceError
    from service.offload.spec import find
    from service.screening.engines import ENGINES

    try:
        for name in engine or []:
            find(ENGINES, name).load()
        for name in kernel or []:
            if name not in KERNELS:
                raise ServiceError(
                    "invalid_argument",
                    f"kernel: expected one of {', '.join(KERNELS)}, got '{name}'",
                )
        entries = kernels.contestants(kernel or [], engine or [])
        samples = kernels.run(
            entries, directory, cutoff, seconds, lambda text: typer.echo(text, err=True)
        )
    except ServiceError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except kernels.BenchError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    rows = [sample.row() for sample in samples]
    if out:
        page.store(out, samples, rows, directory, cutoff, seconds)
    for row in rows:
        if as_json:
            typer.echo(json.dumps(row))
        else:
            typer.echo(
                f"{row['kernel']:<9} {row['implementation']:<18} {row['threads']:>2} threads "
                f"{row['ns_per_unit']:>12.3f} ns/{row['unit']:<7} "
                f"({row['ci_low']:.3f} to {row['ci_high']:.3f})"
            )


@app.command("ladder")
def climb_ladder(
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="PostgreSQL; by default one is started"),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.8, help="counted time of each server and route")
    ] = 8.0,
    out: Annotated[Path, typer.Option(help="the raw run")] = Path("out/ladder.json"),
) -> None:
    """/bench/json and /bench/db on every rung and server, beside the gateway in Go."""
    from loadtests.bench import closed_loop, ladder, ladder_page, open_loop
    from loadtests.lab.targets import LabError

    try:
        ladder.run(database, seconds, out, lambda text: typer.echo(text, err=True))
    except (LabError, OSError, closed_loop.WrongAnswer, open_loop.WrongAnswer) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(ladder_page.as_text(out))


@app.command("page")
def write_page(
    run: Annotated[
        Path, typer.Argument(help="a raw run, written with `--out` by `kernels` or `ladder`")
    ],
    into: Annotated[
        Path | None,
        typer.Option(help="the page whose tables are replaced; docs/kernels.md or docs/ladder.md"),
    ] = None,
) -> None:
    """Puts the tables of a stored run between the markers of a page."""
    from loadtests.bench import ladder, ladder_page, page

    if json.loads(run.read_text())["schema"] == ladder.SCHEMA:
        ladder_page.write(run, into or Path("docs/ladder.md"))
    else:
        page.write(run, into or Path("docs/kernels.md"))
