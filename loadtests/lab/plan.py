"""From what the user asked for to a plan with all its servers' surroundings."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.lab import fleet, requests, verdicts
from loadtests.lab.fleet import Cores, Fleet
from loadtests.lab.profiles import PROFILES
from loadtests.lab.scenarios import (
    GATEWAY,
    LADDER_SERVERS,
    SCENARIOS,
    Chosen,
    Section,
    rung_target,
    twin_of,
)
from loadtests.lab.session import Plan
from loadtests.lab.targets import LabError, Target
from service.errors import ServiceError
from service.offload.spec import Variant, find
from service.screening import watchlist
from service.screening.engines import ENGINES
from service.screening.names import normalize


class RefusedError(Exception):
    """What the user asked for cannot be; the message names the field."""


@dataclass(frozen=True)
class Price:
    """Of a vCPU-hour."""

    amount: float
    currency: str

    @classmethod
    def parse(cls, text: str) -> Price:
        amount, _, currency = text.partition(":")
        try:
            price = cls(float(amount), currency.strip())
        except ValueError:
            price = cls(-1, "")
        if not (0 < price.amount < float("inf") and price.currency):
            raise RefusedError(f"price: expected AMOUNT:CURRENCY, such as 0.04:USD, got {text!r}")
        return price


@dataclass(frozen=True)
class Request:
    """What the user asked for, checked.

    watchlist: a directory, None for the synthetic list. database: "sqlite", "embedded" or
    the URL of a PostgreSQL. pin: whether servers and generator get cores of their own.
    slowed: the factor by which the twin's kernels are slowed, to see whether that is found.
    """

    chosen: Chosen
    out: Path
    watchlist: Path | None = None
    database: str = "sqlite"
    price: Price | None = None
    seed: int = 20260101
    pin: bool = False
    slo: Path | None = None
    slowed: float | None = None


def checked(slo: Path) -> Path:
    """The file of thresholds, once it can be read. Raises: RefusedError."""
    try:
        verdicts.read(slo)
    except LabError as error:
        raise RefusedError(str(error)) from error
    return slo


def choose(
    profile_name: str,
    variant_names: Sequence[str] | None,
    scenario_names: Sequence[str] | None,
    against: str,
    pin: bool = False,
) -> Chosen:
    """Raises: RefusedError, LabError."""
    profile = PROFILES.get(profile_name)
    if profile is None:
        raise RefusedError(f"profile: expected one of {', '.join(PROFILES)}, got {profile_name!r}")
    wanted = variant_names or profile.variants
    if wanted is None:
        wanted = tuple(f"{spec.name}-{offload}" for spec in ENGINES for offload in spec.offloads)
    try:
        variants = [Variant.parse(name, ENGINES) for name in wanted]
        for variant in dict.fromkeys(variants):
            find(ENGINES, variant.engine).load()
    except ServiceError as error:
        raise RefusedError(f"variants: {error.message}") from error
    if len(set(variants)) < len(variants):
        raise RefusedError(f"variants: expected each once, got {', '.join(map(str, variants))}")
    for name in scenario_names or ():
        if name not in SCENARIOS:
            raise RefusedError(f"scenario: expected some of {', '.join(SCENARIOS)}, got {name!r}")
    if against not in (GATEWAY, "none"):
        raise RefusedError(f"against: expected '{GATEWAY}' or 'none', got {against!r}")
    return Chosen(
        profile,
        tuple(map(str, variants)),
        tuple(scenario_names or SCENARIOS),
        gateway=against == GATEWAY,
        one_core=pin and len(Cores.split().server) == 1,
        ladder_servers=tuple(s for s in LADDER_SERVERS if importlib.util.find_spec(s)),
    )


@contextmanager
def planned(request: Request, sections: Sequence[Section]) -> Iterator[Plan]:
    """The plan, with the database filled and the upstreams up, which end with it.

    Raises: RefusedError, LabError.
    """
    chosen = request.chosen
    if not sections:
        raise RefusedError("scenario: this profile has no section with these scenarios")
    try:
        listed = watchlist.load(request.watchlist)
    except ServiceError as error:
        raise RefusedError(error.message) from error
    cores = Cores.split() if request.pin else None
    logs = request.out / "logs"
    cells = [cell for section in sections for cell in section.cells]
    stub = fleet.upstream(logs, cores)
    with fleet.database(request.database, request.out, cores) as database:
        try:
            stub.start()
            ships = Fleet(request.out, request.watchlist, database, stub.port, cores)
            pools = requests.Pools(
                request.seed,
                listed.entries,
                normalize,
                lowest_cutoff=min((c.work for c in cells if c.work), default=requests.CUTOFF),
                rates=fleet.rates(stub),
            )
            yield Plan(
                sections=sections,
                targets=_targets(request, sections, ships),
                pools=pools,
                settings={
                    "profile": chosen.profile.name,
                    "scenarios": list(chosen.scenarios),
                    "variants": list(chosen.variants),
                    "against": chosen.against(),
                    "seed": request.seed,
                    "pinned": cores
                    and {"server": list(cores.server), "generator": list(cores.generator)},
                    "watchlist": {
                        "source": listed.source
                        if request.watchlist is None
                        else request.watchlist.resolve().name,
                        "names": len(listed.entries),
                    },
                    "database": "sqlite" if request.database == "sqlite" else "postgresql",
                    "price_per_vcpu_hour": request.price
                    and {"amount": request.price.amount, "currency": request.price.currency},
                },
                out=request.out,
                verify_requests=chosen.profile.verify_requests,
                verify_s=chosen.profile.verify_s,
                cores=cores,
                null_server=ships.gateway("null"),
                work_us=lambda cutoffs: fleet.time_of_work(cutoffs, pools.queries(), listed.index),
                slo=request.slo,
            )
        finally:
            stub.stop()


def _targets(request: Request, sections: Sequence[Section], ships: Fleet) -> dict[str, Target]:
    """Those that some section loads, by name."""
    chosen = request.chosen
    made: dict[str, Target] = {}
    variants = {name: Variant.parse(name, ENGINES) for name in chosen.variants}
    (first,) = chosen.main(1)
    rungs = {
        rung_target(rung, server): (rung, server)
        for rung in chosen.profile.rungs
        for server in chosen.ladder_servers
    }
    for name in dict.fromkeys(name for section in sections for name in section.targets()):
        more: dict[str, Any] = {}
        if name == GATEWAY:
            made[name] = ships.gateway(name)
            continue
        if name == twin_of(first):
            more = {"twin_of": first, "slowed": request.slowed}
        elif name in rungs:
            more = dict(zip(("rung", "server"), rungs[name], strict=True))
        made[name] = ships.service(variants.get(name, variants[first]), name, **more)
    return made
