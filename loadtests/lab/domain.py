"""What the domain's table of engines and its Lab mean for a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import resolve_name

from loadtests.lab import bench_routes
from loadtests.lab.scenario import Lab
from service.domain import Domain
from service.offload.spec import EngineSpec, default

Specs = Sequence[EngineSpec]


def lab_of(domain: Domain) -> Lab:
    """The domain's, with the platform's own scenarios between those that need an engine and
    those that don't."""
    own: Lab = resolve_name(domain.lab) if domain.lab else Lab()
    return replace(own, scenarios=(*own.hot(), *bench_routes.SCENARIOS, *own.io()))


def has_command(name: str) -> bool:
    """Whether what is installed has the command `hotpath NAME`, such as the gateway."""
    found = entry_points(group="hotpath.commands", name=name)
    return any(find_spec(entry.module.partition(".")[0]) for entry in found)


def variants(specs: Specs) -> list[str]:
    return [f"{spec.name}-{offload}" for spec in specs for offload in spec.offloads]


def quick(specs: Specs) -> list[str]:
    """Those that the table marks, or of each engine the default."""
    marked = [f"{spec.name}-{offload}" for spec in specs for offload in spec.quick]
    return marked or [_usual(spec) for spec in specs]


def usual(specs: Specs) -> str:
    """The variant that serves unless something else is asked for."""
    return _usual(default(specs))


def baselines(specs: Specs) -> list[str]:
    """What all others are compared with: the plainest engine, and the definition as written."""
    oracles = [spec for spec in specs if spec.is_oracle]
    return _there(specs, [f"{spec.name}-inline" for spec in (_plain(specs), *oracles[:1])])


def main(specs: Specs) -> list[str]:
    """Those that say most, the most telling first."""
    plain = _plain(specs).name
    return _there(specs, [usual(specs), f"{plain}-inline", _sidecar(specs), f"{plain}-process"])


def swept(specs: Specs) -> list[str]:
    """Those between which the crossover is: without and with a boundary."""
    return _there(specs, [f"{_plain(specs).name}-inline", usual(specs), _sidecar(specs)])


def _plain(specs: Specs) -> EngineSpec:
    return next((spec for spec in specs if not spec.is_oracle), specs[0])


def _sidecar(specs: Specs) -> str | None:
    return next((_usual(spec) for spec in specs if spec.sidecar), None)


def _usual(spec: EngineSpec) -> str:
    return f"{spec.name}-{spec.offloads[0]}"


def _there(specs: Specs, names: Iterable[str | None]) -> list[str]:
    known = variants(specs)
    return [name for name in dict.fromkeys(names) if name in known]
