"""The command line. Imports inside the commands: worker processes import this module too."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from loadtests.bench.cli import app as bench
from loadtests.lab.cli import app as lab
from service import servers
from service.errors import ServiceError, shown

if TYPE_CHECKING:
    from service.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A FastAPI service whose hot path runs on interchangeable engines.",
)
watchlist = typer.Typer(no_args_is_help=True, help="Look at a watchlist, or make one.")
database = typer.Typer(no_args_is_help=True, help="Keep the database: HOTPATH_DATABASE_URL.")
app.add_typer(watchlist, name="watchlist")
app.add_typer(database, name="db")
app.add_typer(lab, name="lab")
app.add_typer(bench, name="bench")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line, for programs")]
WatchlistDir = Annotated[
    Path | None,
    typer.Option(
        "--watchlist",
        metavar="DIR",
        help="directory with sdn.csv and alt.csv; synthetic by default",
    ),
]


def fail(message: str, code: int = 2) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def errors_shown() -> Iterator[None]:
    """Exit code 2 where the input is at fault, 1 where we are."""
    try:
        yield
    except ServiceError as error:
        is_input = error.kind.status < 500 or error.code == "watchlist_invalid"
        fail(error.message, 2 if is_input else 1)


def settings_from(**overrides: Any) -> Settings:
    """Settings from the environment; overrides that are None do not count."""
    from pydantic import ValidationError

    from service.http.problems import from_validation
    from service.settings import Settings

    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise ServiceError(
            "invalid_argument", f"settings: {from_validation(error.errors()).message}"
        ) from error


@database.command("upgrade")
def upgrade_database() -> None:
    """Applies the migrations that are missing. `serve` does it by itself on SQLite."""
    from service.store import migrate

    with errors_shown():
        settings = settings_from()
        migrate.upgrade(settings)
    typer.echo("the schema is up to date")


@database.command("prune")
def prune_database(
    hours: Annotated[
        float, typer.Option(min=0, max=87_600, help="idempotency keys older than this go")
    ] = 24,
) -> None:
    """Removes old idempotency keys; run it every day."""
    with errors_shown():
        count = asyncio.run(_prune(settings_from(), hours))
    typer.echo(f"{count} keys removed")


async def _prune(settings: Settings, hours: float) -> int:
    from datetime import timedelta

    from service.store.database import Database
    from service.store.idempotency import Idempotency

    async with Database(settings) as opened:
        return await Idempotency(opened).prune(timedelta(hours=hours))


@app.command("openapi")
def print_openapi() -> None:
    """The OpenAPI document of the default settings."""
    from service.app import create_app
    from service.settings import Settings

    typer.echo(json.dumps(create_app(Settings.model_construct()).openapi(), indent=1))


Host = Annotated[str, typer.Option(help="address to listen on")]
Port = Annotated[int, typer.Option(min=1, max=65535)]


@app.command()
def gateway(host: Host = "127.0.0.1", port: Port = 8080) -> None:
    """Serves the same HTTP contract in plain Go, with the settings of `serve`."""
    from hotpath_go import gateway_path

    from service import wiring
    from service.gateway import become, environment

    with errors_shown():
        settings = settings_from()
        wiring.prepare_database(settings)
        become(
            gateway_path(),
            "-listen",
            f"{host}:{port}",
            **environment(settings, wiring.watchlist_directory(settings)),
        )


@app.command()
def upstream(
    host: Host = "127.0.0.1",
    port: Port = 9000,
    delay_ms: Annotated[float, typer.Option(min=0, help="how long each answer takes")] = 20,
) -> None:
    """Serves exchange rates for trying out /v1/rates: GET /rates/NAME?base=EUR."""
    from hotpath_go import upstream_path

    from service.gateway import become

    become(upstream_path(), "-listen", f"{host}:{port}", "-delay", f"{delay_ms}ms")


@app.command("engines")
def list_engines(as_json: AsJson = False) -> None:
    """The engines and whether each is there."""
    from service.wiring import ENGINES

    statuses = [spec.status() for spec in ENGINES]
    if as_json:
        typer.echo(json.dumps([status.model_dump() for status in statuses]))
        return
    for status in statuses:
        mark = "yes" if status.available else "NO "
        typer.echo(f"{status.name:<10} {mark}  {', '.join(status.offloads):<24} {status.detail}")


@app.command()
def match(
    engine: Annotated[str, typer.Option(help="see `hotpath engines`")] = "rust",
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
    engine: str, directory: Path | None, names: list[str], cutoff: float, limit: int, as_json: bool
) -> None:
    from pydantic import ValidationError

    from service import wiring
    from service.domain.matches import MATCH, MAX_NAMES, MatchRequest
    from service.engines.engine import Engines
    from service.http.problems import from_validation

    settings = settings_from(engine=engine, watchlist=directory)
    batches = []
    try:
        for start in range(0, max(len(names), 1), MAX_NAMES):
            batch = names[start : start + MAX_NAMES]
            batches.append(MatchRequest(names=batch, cutoff=cutoff, limit=limit))
    except ValidationError as error:
        raise from_validation(error.errors()) from error
    held = wiring.held(settings)
    async with Engines(wiring.ENGINES, settings, held, wiring.rehearse) as engines:
        serving = await engines.get(None)
        for request in batches:
            outcome = await serving.run(MATCH, request.names, request.cutoff, request.limit)
            for result in json.loads(outcome.answer)["results"]:
                _print_match(result, as_json)


def _print_match(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
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

    from service.domain import watchlist as lists

    with errors_shown():
        for entry in lists.load(directory).entries:
            if as_json:
                typer.echo(json.dumps(asdict(entry), ensure_ascii=False))
            else:
                typer.echo(f"{entry.row:>6}  {entry.uid:>6}  {entry.name}  [{entry.normalized}]")


@watchlist.command("generate")
def generate_watchlist(
    out: Annotated[Path, typer.Option(help="directory for sdn.csv and alt.csv")],
    names: Annotated[int, typer.Option(min=1, max=10_000_000)] = 20_000,
    seed: int = 20_240_229,
) -> None:
    """Writes a synthetic list in the OFAC SDN format."""
    from service.domain.synthetic import write_synthetic

    write_synthetic(out, names, seed)
    typer.echo(f"{out}: {names} names")


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="server processes")] = 1,
    access_log: bool = False,
    server: Annotated[
        servers.Server, typer.Option(help="others than uvicorn are extras: hotpath[granian]")
    ] = servers.Server.uvicorn,
) -> None:
    """Serves the API. Settings come from the environment: HOTPATH_ENGINE and so on."""
    import logging

    from service import wiring

    with errors_shown():
        settings = settings_from()
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
        )
        wiring.check(settings)
        wiring.prepare_database(settings)
        # After uvicorn's graceful stop the signal comes again, to end us: stop the sidecar first.
        # The other servers put handlers of their own here.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with ExitStack() as stack:
            address = wiring.start_sidecar(settings, stack)
            if address:  # one for all workers, which find it here
                os.environ["HOTPATH_SIDECAR_ADDRESS"] = address
            servers.run(server, servers.Listening(host, port, workers, access_log), settings)


if __name__ == "__main__":
    app()
