"""The sample's commands on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli import AsJson, errors_shown
from service.errors import ServiceError, shown

watchlist = typer.Typer(no_args_is_help=True, help="Look at a watchlist, or make one.")

WatchlistDir = Annotated[
    Path | None,
    typer.Option(
        "--watchlist",
        metavar="DIR",
        help="directory with sdn.csv and alt.csv; by default HOTPATH_WATCHLIST, or synthetic",
    ),
]


def match(
    engine: Annotated[str | None, typer.Option(help="see `hotpath engines`")] = None,
    directory: WatchlistDir = None,
    cutoff: Annotated[float, typer.Option(help="least similarity, 0 to 1")] = 0.9,
    limit: Annotated[int, typer.Option(help="hits per name at most, 1 to 1000")] = 5,
    as_json: AsJson = False,
) -> None:
    """The best matches of each name on stdin, one a line."""
    with errors_shown():
        names = _names_from_stdin()
        asyncio.run(_match(engine, directory, names, cutoff, limit, as_json))


def _names_from_stdin() -> list[str]:
    names = []
    for number, line in enumerate(sys.stdin.buffer.read().splitlines(), 1):
        try:
            names.append(line.decode())
        except UnicodeDecodeError as error:
            raise ServiceError(
                "invalid_argument", f"stdin, line {number}: expected UTF-8, got {shown(line)}"
            ) from error
    return names


async def _match(
    engine: str | None,
    directory: Path | None,
    names: list[str],
    cutoff: float,
    limit: int,
    as_json: bool,
) -> None:
    from pydantic import ValidationError

    from service.http.problems import from_validation
    from service.offload.engines import Engines
    from service.screening import DOMAIN
    from service.screening.routes.matches import MATCH, MAX_NAMES, MatchRequest
    from service.startup import settings_from

    settings = settings_from(DOMAIN, engine=engine, watchlist=directory)
    batches = []
    try:
        for start in range(0, max(len(names), 1), MAX_NAMES):
            batch = names[start : start + MAX_NAMES]
            batches.append(MatchRequest(names=batch, cutoff=cutoff, limit=limit))
    except ValidationError as error:
        raise from_validation(error.errors()) from error
    held = DOMAIN.hold(settings)
    async with Engines(DOMAIN.engines, settings, held, [MATCH]) as engines:
        serving = await engines.get(None)
        for request in batches:
            outcome = await serving.run(MATCH, request.names, request.cutoff, request.limit)
            for result in json.loads(outcome.answer)["results"]:
                _print_match(result, as_json)


def _print_match(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    typer.echo(f"{result['name']}  [{result['normalized']}]")
    for hit in result["hits"]:
        typer.echo(f"  {hit['score']:.4f}  {hit['name']}  (entity {hit['uid']}, row {hit['row']})")
    if not result["hits"]:
        typer.echo("  no match")


@watchlist.command("dump")
def dump_watchlist(directory: WatchlistDir = None, as_json: AsJson = False) -> None:
    """Every row of the list, with its normalised name."""
    from dataclasses import asdict

    from service.screening import DOMAIN
    from service.screening import watchlist as lists
    from service.startup import settings_from

    with errors_shown():
        settings = settings_from(DOMAIN, watchlist=directory)
        for entry in DOMAIN.hold(settings)[lists.WATCHLIST].entries:
            if as_json:
                typer.echo(json.dumps(asdict(entry)))
            else:
                typer.echo(f"{entry.row:>6}  {entry.uid:>6}  {entry.name}  [{entry.normalized}]")


@watchlist.command("generate")
def generate_watchlist(
    out: Annotated[Path, typer.Option(help="directory for sdn.csv and alt.csv")],
    names: Annotated[int, typer.Option(min=1, max=10_000_000)] = 20_000,
    seed: int = 20_240_229,
) -> None:
    """Writes a synthetic list in the OFAC SDN format."""
    from service.screening.synthetic import write_synthetic

    write_synthetic(out, names, seed)
    typer.echo(f"{out}: {names} names")
