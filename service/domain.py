"""What an application is, for everything that is not about it: the type of its one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import Code
from service.offload.job import Held
from service.offload.spec import EngineSpec
from service.settings import Settings
from service.store.schema import Schema


def _nothing(_: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An application's engines, routes, tables and measurements.

    What is not needed everywhere is named by its import string, "module:name".

    engines: from the plainest to the fastest, see EngineSpec.
    routers: of FastAPI, which tries one after the other, and each that is passed costs some
        microseconds: the hottest first.
    jobs: that together run every kernel; an engine that is opened rehearses them.
    hold: what engines keep between calls; raises ServiceError where it cannot be had.
    settings: the platform's, or a class derived from them.
    errors: codes on top of the platform's.
    schema: its tables and their migrations, if it has any.
    commands: of the command line: by name a function, or a typer.Typer.
    lab: what the lab measures (a loadtests.lab.scenario.Lab), which is not there where the
        service is deployed.
    benches: likewise how its kernels are timed by themselves (a loadtests.bench.kernel.Benches).
    gateway_environment: variables for the gateway on top of the settings.
    """

    name: str
    engines: tuple[EngineSpec, ...]
    routers: tuple[str, ...]
    jobs: tuple[str, ...]
    hold: Callable[[Any], Held] = _nothing
    settings: type[Settings] = Settings
    errors: tuple[Code, ...] = ()
    schema: Schema | None = None
    commands: Mapping[str, str]
    lab: str | None = None
    benches: str | None = None
    gateway_environment: Callable[[Any], Mapping[str, str]] = _nothing
