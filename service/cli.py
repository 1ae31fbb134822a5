"""The command line. Imports inside the commands: worker processes import this module too."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from io import TextIOWrapper
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from service import servers
from service.errors import ServiceError

if TYPE_CHECKING:
    from service.settings import Settings

COMMANDS = "hotpath.commands"
"""The entry points of those who bring commands: by name a function, or a typer.Typer."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A FastAPI service whose hot path runs on interchangeable engines.",
)
database = typer.Typer(no_args_is_help=True, help="Keep the database: HOTPATH_DATABASE_URL.")
app.add_typer(database, name="db")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object a line, for programs")]


def main() -> None:
    """The platform's commands, the domain's, and those of whoever is installed beside them."""
    from service.wiring import DOMAIN

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may have few characters
            stream.reconfigure(errors="backslashreplace")
    for name, path in DOMAIN.commands.items():
        mount(name, resolve_name(path))
    for point in entry_points(group=COMMANDS):
        if find_spec(point.module.partition(".")[0]):  # what is deployed carries no lab
            mount(point.name, point.load())
    try:
        app()
    except OSError as error:  # a file that cannot be written, a port that is taken
        if error.strerror is None:
            raise
        named = "" if error.filename is None else f"{error.filename}: "
        typer.echo(f"error: {named}{error.strerror}", err=True)
        sys.exit(1)


def mount(name: str, command: Any) -> None:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def fail(message: str, code: int = 2) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def errors_shown() -> Iterator[None]:
    """Exit code 2 where the input is at fault, 1 where we are."""
    try:
        yield
    except ServiceError as error:
        fail(error.message, 2 if error.is_input else 1)


@database.command("upgrade")
def upgrade_database() -> None:
    """Applies the migrations that are missing. `serve` does it by itself on SQLite."""
    from service.startup import schemas, settings_from
    from service.store import migrate
    from service.wiring import DOMAIN

    with errors_shown():
        settings = settings_from(DOMAIN)
        migrate.upgrade(settings, schemas(settings, DOMAIN))
    typer.echo("the schema is up to date")


@database.command("prune")
def prune_database(
    hours: Annotated[
        float, typer.Option(min=0, max=87_600, help="idempotency keys older than this go")
    ] = 24,
) -> None:
    """Removes old idempotency keys; run it every day."""
    from service.startup import check_schema, settings_from
    from service.wiring import DOMAIN

    with errors_shown():
        settings = settings_from(DOMAIN)
        check_schema(settings, DOMAIN)
        count = asyncio.run(_prune(settings, hours))
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
    from service.wiring import DOMAIN

    document = create_app(DOMAIN.settings.model_construct(), DOMAIN).openapi()
    typer.echo(json.dumps(document, indent=1))


@app.command("routes")
def list_routes(as_json: AsJson = False) -> None:
    """The routes, and which are compiled, or why not."""
    from service.app import create_app
    from service.startup import settings_from
    from service.wiring import DOMAIN

    with errors_shown():
        served = create_app(settings_from(DOMAIN), DOMAIN)
    compiled = getattr(served.state, "compiled", None)
    if compiled is None:
        fail("HOTPATH_COMPILED_ROUTES is off: FastAPI answers every route")
    for route in compiled.routes():
        methods = ",".join(sorted(route.methods)) or "*"
        if as_json:
            outcome = {"compiled": not route.reason, "reason": route.reason}
            typer.echo(json.dumps({"methods": methods.split(","), "path": route.path} | outcome))
        else:
            typer.echo(f"{methods:<10} {route.path:<36} {route.reason or 'compiled'}")


@app.command("engines")
def list_engines(as_json: AsJson = False) -> None:
    """The engines and whether each is there."""
    from service.wiring import DOMAIN

    statuses = [spec.status() for spec in DOMAIN.engines]
    if as_json:
        typer.echo(json.dumps([status.model_dump() for status in statuses]))
        return
    for status in statuses:
        mark = "yes" if status.available else "NO "
        typer.echo(f"{status.name:<10} {mark}  {', '.join(status.offloads):<24} {status.detail}")


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

    from service import startup
    from service.wiring import DOMAIN

    with errors_shown():
        settings = startup.settings_from(DOMAIN)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
        )
        startup.check(settings, DOMAIN)
        startup.prepare_database(settings, DOMAIN)
        # After uvicorn's graceful stop the signal comes again, to end us: stop the sidecar first.
        # The other servers put handlers of their own here.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with ExitStack() as stack:
            os.environ |= startup.start_sidecar(settings, DOMAIN, stack)
            servers.run(server, servers.Listening(host, port, workers, access_log), settings)


if __name__ == "__main__":
    main()
