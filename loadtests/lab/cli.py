"""`hotpath lab`: measures the variants and reports. Imports stay light: the service's
command line mounts this module, and a deployed service has none of the lab's packages."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from loadtests.lab.session import Plan

MAX_USERS = 1000  # one Locust process cannot honestly load more

app = typer.Typer(
    no_args_is_help=True, help="Load every variant with Locust, side by side, and report."
)


@app.command()
def run(
    profile: Annotated[str, typer.Option(help="quick (2 to 3 minutes) or standard.")] = "quick",
    variants: Annotated[
        str | None, typer.Option(help="Comma-separated, such as python-inline,rust-thread.")
    ] = None,
    watchlist: Annotated[
        Path | None, typer.Option(help="Directory of a watchlist; default: the synthetic one.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for the result and the report.")] = Path(
        "out/lab"
    ),
    names: Annotated[int | None, typer.Option(help="Names per request; default 4.")] = None,
    users: Annotated[int | None, typer.Option(help="Concurrent users; default 2.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Measure the variants: verified first, then loaded in interleaved rounds.

    Exit code 0: all figures are sound; 1: something failed or is void; 2: wrong usage.
    """
    from loadtests.lab import progress, report, session, tables
    from loadtests.lab.targets import LabError

    plan = _plan(profile, variants, watchlist, out, names, users)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with progress.of_stderr() as shown:
            result = session.carry_out(plan, shown)
    except LabError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("interrupted before any load; nothing was measured", err=True)
        raise typer.Exit(1) from None
    written = report.write(result, out)
    if as_json:
        print(json.dumps(result["summary"], indent=2))
    else:
        tables.print_table(result)
    typer.echo(f"report: {written}", err=True)
    for variant, reason in result["voids"].items():
        typer.echo(f"error: {variant} is void: {reason}", err=True)
    raise typer.Exit(0 if result["complete"] else 1)


@app.command(name="report")
def render(
    directory: Annotated[Path, typer.Argument(help="Where result.json is.")],
    into: Annotated[
        Path | None, typer.Option(help="Also put the short table between a document's markers.")
    ] = None,
) -> None:
    """Write the report of an earlier run again, from its result.json."""
    from loadtests.lab import report, session, tables
    from loadtests.lab.targets import LabError

    try:
        result = session.read(directory)
    except LabError as error:
        _refuse(str(error))
    written = report.write(result, directory)
    if into is not None:
        try:
            report.splice(result, directory, into)
        except (OSError, LabError) as error:
            _refuse(f"into: {error}")
    tables.print_table(result)
    typer.echo(f"report: {written}", err=True)


def _plan(
    profile_name: str,
    variant_names: str | None,
    watchlist_dir: Path | None,
    out: Path,
    names: int | None,
    users: int | None,
) -> Plan:
    """Checks all that the user gave before anything is started."""
    from loadtests.lab import scenarios, targets, workload
    from loadtests.lab.session import Plan
    from service.domain import watchlist
    from service.domain.matches import MAX_NAMES
    from service.domain.names import normalize
    from service.engines.spec import Variant
    from service.errors import ServiceError
    from service.wiring import ENGINES

    profile = scenarios.PROFILES.get(profile_name)
    if profile is None:
        _refuse(f"profile: expected one of {', '.join(scenarios.PROFILES)}, got {profile_name!r}")
    if names is not None and not 1 <= names <= MAX_NAMES:
        _refuse(f"names: expected 1 to {MAX_NAMES}, got {names}")
    if users is not None and not 1 <= users <= MAX_USERS:
        _refuse(f"users: expected 1 to {MAX_USERS}, got {users}")
    scenario = replace(
        profile.scenario,
        names=names or profile.scenario.names,
        users=users or profile.scenario.users,
    )
    wanted = profile.variants
    if variant_names is not None:
        wanted = tuple(name.strip() for name in variant_names.split(","))
    elif wanted is None:
        wanted = tuple(f"{spec.name}-{offload}" for spec in ENGINES for offload in spec.offloads)
    try:
        chosen = [Variant.parse(name, ENGINES) for name in wanted]
        listed = watchlist.load(watchlist_dir)
    except ServiceError as error:
        _refuse(error.message)
    if len(set(chosen)) < len(chosen):
        _refuse(f"variants: expected each once, got {', '.join(map(str, chosen))}")
    measured = [str(variant) for variant in chosen]
    baselines = dict.fromkeys([measured[0], *({scenarios.BASELINE} & set(measured))])
    return Plan(
        targets=[
            targets.service(variant, watchlist_dir, scenario, out / "logs") for variant in chosen
        ],
        profile=replace(profile, scenario=scenario),
        workload=workload.build(scenario, listed.entries, normalize),
        watchlist={
            "source": listed.source if watchlist_dir is None else watchlist_dir.resolve().name,
            "names": len(listed.entries),
        },
        baselines=list(baselines),
        out=out,
    )


def _refuse(message: str) -> NoReturn:
    """message: the field, what was expected and what came."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2)
