"""From what the user asked for to a plan with all its servers' surroundings."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.lab import crossover, domain, fleet, verdicts
from loadtests.lab.fleet import Cores, Fleet
from loadtests.lab.profiles import PROFILES
from loadtests.lab.requests import Pools, drawn
from loadtests.lab.scenario import Options
from loadtests.lab.sections import (
    GATEWAY,
    LADDER_SERVERS,
    MIXED,
    Chosen,
    Section,
    rung_target,
    twin_of,
)
from loadtests.lab.targets import LabError, Target
from service.domain import Domain
from service.errors import ServiceError
from service.offload.spec import EngineSpec, Variant, find


class RefusedError(Exception):
    """What the user asked for cannot be; the message names the field."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for, checked.

    options: the domain's. database: "sqlite", "embedded" or the URL of a PostgreSQL.
    pin: whether servers and generator get cores of their own.
    slowed: the factor by which the twin's kernels are slowed, to see whether that is found.
    """

    chosen: Chosen
    out: Path
    options: Options = field(default_factory=Options)
    database: str = "sqlite"
    price: Price | None = None
    seed: int = 20260101
    pin: bool = False
    slo: Path | None = None
    slowed: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and on what.

    targets: by name, of all sections. settings: what result.json says of the choice.
    engines: the domain's. null_server: answers /bench/plaintext; None to leave the calibration out.
    work_us: times the crossover's unit of work, where that is measured.
    slo: the file of thresholds, if any.
    """

    sections: Sequence[Section]
    targets: Mapping[str, Target]
    pools: Pools
    settings: Mapping[str, Any]
    out: Path
    verify_requests: int
    verify_s: float
    engines: Sequence[EngineSpec]
    cores: Cores | None = None
    null_server: Target | None = None
    work_us: Callable[[Sequence[float]], Mapping[str, float]] | None = None
    slo: Path | None = None


def checked(slo: Path) -> Path:
    """The file of thresholds, once it can be read. Raises: RefusedError."""
    try:
        verdicts.read(slo)
    except LabError as error:
        raise RefusedError(str(error)) from error
    return slo


def choose(
    of: Domain,
    profile_name: str,
    variant_names: Sequence[str] | None,
    scenario_names: Sequence[str] | None,
    against: str | None = None,
    pin: bool = False,
) -> Chosen:
    """against: None for the gateway where it can run. Raises: RefusedError, LabError."""
    engines, lab = of.engines, domain.lab_of(of)
    profile = PROFILES.get(profile_name)
    if profile is None:
        raise RefusedError(f"profile: expected one of {', '.join(PROFILES)}, got {profile_name!r}")
    usual = domain.variants(engines) if profile.is_whole else domain.quick(engines)
    try:
        variants = [Variant.parse(name, engines) for name in variant_names or usual]
        for variant in dict.fromkeys(variants):
            find(engines, variant.engine).load()
    except ServiceError as error:
        raise RefusedError(f"variants: {error.message}") from error
    if len(set(variants)) < len(variants):
        raise RefusedError(f"variants: expected each once, got {', '.join(map(str, variants))}")
    known = [scenario.name for scenario in lab.scenarios] + [MIXED] * bool(lab.hot())
    for name in scenario_names or ():
        if name not in known:
            raise RefusedError(f"scenario: expected some of {', '.join(known)}, got {name!r}")
    has_gateway = domain.has_command(GATEWAY)
    if against not in (None, GATEWAY, "none"):
        raise RefusedError(f"against: expected '{GATEWAY}' or 'none', got {against!r}")
    if against == GATEWAY and not has_gateway:
        raise RefusedError(f"against: expected 'none', for there is no {GATEWAY} here")
    return Chosen(
        of,
        profile,
        tuple(map(str, variants)),
        tuple(scenario_names or known),
        lab,
        gateway=has_gateway and against != "none",
        one_core=pin and len(Cores.split().server) == 1,
        ladder_servers=tuple(s for s in LADDER_SERVERS if importlib.util.find_spec(s)),
    )


@contextmanager
def planned(asked: Asked, sections: Sequence[Section]) -> Iterator[Plan]:
    """The plan, with the database filled and all that stands around it up, which end with it.

    Raises: RefusedError, LabError.
    """
    chosen, out, price = asked.chosen, asked.out, asked.price
    if not sections:
        raise RefusedError("scenario: this profile has no section with these scenarios")
    cores = Cores.split() if asked.pin else None
    with ExitStack() as stack:
        start = stack.enter_context(fleet.processes(out / "logs", cores))
        try:
            around = stack.enter_context(chosen.lab.surroundings(asked.options, asked.seed, start))
        except ServiceError as error:
            raise RefusedError(error.message) from error
        filled = fleet.database(asked.database, chosen.domain, out, cores)
        ships = Fleet(out, around.environment, stack.enter_context(filled), cores)
        hot = next((scenario.name for scenario in chosen.lab.hot()), None)
        yield Plan(
            sections=sections,
            targets=_targets(asked, sections, ships),
            pools=Pools(partial(drawn, chosen.lab, around.draw), hot, out / "pools"),
            settings={
                "profile": chosen.profile.name,
                "scenarios": list(chosen.scenarios),
                "variants": list(chosen.variants),
                "against": chosen.against(),
                "seed": asked.seed,
                "pinned": cores
                and {"server": list(cores.server), "generator": list(cores.generator)},
                **around.facts,
                "database": "sqlite" if asked.database == "sqlite" else "postgresql",
                "price_per_vcpu_hour": price and asdict(price),
            },
            out=out,
            verify_requests=chosen.profile.verify_requests,
            verify_s=chosen.profile.verify_s,
            engines=chosen.domain.engines,
            cores=cores,
            null_server=ships.gateway("null") if domain.has_command(GATEWAY) else None,
            work_us=lambda levels: crossover.time_of_work(levels, chosen, around.draw),
            slo=asked.slo,
        )


def _targets(asked: Asked, sections: Sequence[Section], ships: Fleet) -> dict[str, Target]:
    """Those that some section loads, by name."""
    chosen = asked.chosen
    variants = {name: Variant.parse(name, chosen.domain.engines) for name in chosen.variants}
    (first,) = chosen.main(1)
    special: dict[str, Mapping[str, Any]] = {
        rung_target(rung, server): {"rung": rung, "server": server}
        for rung in chosen.profile.rungs
        for server in chosen.ladder_servers
    }
    special[twin_of(first)] = {"twin_of": first, "slowed": asked.slowed}
    return {
        name: ships.gateway(name)
        if name == GATEWAY
        else ships.service(variants.get(name, variants[first]), name, **special.get(name, {}))
        for name in dict.fromkeys(name for section in sections for name in section.targets())
    }
