"""What an engine is called, where it lives, and whether it is there."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType
from typing import Self

from pydantic import BaseModel

from service.errors import ServiceError
from service.settings import Settings

OFFLOADS: Mapping[str, str] = {
    "inline": "service.offload.local:Inline",
    "thread": "service.offload.local:Threads",
    "process": "service.offload.local:Processes",
    "auto": "service.offload.auto:Auto",
    # engine: go
    "rpc": "service.offload.remote.rpc:Rpc",
    # engine: end
}
"""How a call leaves the event loop, by import string, so that only what is used is imported: not
at all, to a thread, to a process, inline or to a thread by what is expected, to a sidecar."""


class EngineStatus(BaseModel):
    name: str
    offloads: list[str]
    available: bool
    version: str | None
    detail: str  # of an engine that is not available: why


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One row of a domain's table of engines.

    module: import string of its kernels.
    offloads: those that make sense for it; the first is the default.
    distribution: the installed package that brings it.
    sidecar: "module:function" that gives the path of its sidecar, if it has one.
    is_oracle: written as the definition reads; the tests compare the others with it.
    releases_gil: its kernels compute without the GIL.
    quick: the offloads that the lab's quick profile measures.
    """

    name: str
    module: str
    offloads: tuple[str, ...]
    distribution: str
    summary: str
    sidecar: str | None = None
    is_oracle: bool = False
    releases_gil: bool = False
    quick: tuple[str, ...] = ()

    def load(self) -> ModuleType:
        """Imports the kernels.

        Raises: ServiceError engine_unavailable, which tells an engine that is not
            installed from one that is broken.
        """
        try:
            module = importlib.import_module(self.module)
            if self.sidecar:
                self.sidecar_path()
        except FileNotFoundError as error:
            raise ServiceError("engine_unavailable", f"engine '{self.name}': {error}") from error
        except ModuleNotFoundError as error:
            wanted = {self.module, (self.sidecar or self.module).partition(":")[0]}
            if error.name in wanted:
                raise ServiceError(
                    "engine_unavailable",
                    f"engine '{self.name}' is not installed; run: make setup",
                ) from error
            raise self._broken(error) from error
        except ImportError as error:
            raise self._broken(error) from error
        return module

    def use_threads(self, count: int) -> bool:
        """Lets one large call use several cores. Returns whether the engine can."""
        module = self.load()
        if not hasattr(module, "use_threads"):
            return False
        module.use_threads(count)
        return True

    def sidecar_path(self) -> str:
        """Path of the sidecar's binary. Raises FileNotFoundError where it is missing."""
        assert self.sidecar is not None
        module, _, function = self.sidecar.partition(":")
        return str(getattr(importlib.import_module(module), function)())

    def _broken(self, error: ImportError) -> ServiceError:
        return ServiceError(
            "engine_unavailable", f"engine '{self.name}' is installed but broken: {error}"
        )

    def status(self) -> EngineStatus:
        try:
            module = self.load()
        except ServiceError as error:
            found, number, detail = False, None, error.message
        else:
            found, number = True, version(self.distribution)
            detail = str(getattr(module, "build_info", self.summary))
        return EngineStatus(
            name=self.name,
            offloads=list(self.offloads),
            available=found,
            version=number,
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """An engine and its offload, written `python-process`."""

    engine: str
    offload: str

    def __str__(self) -> str:
        return f"{self.engine}-{self.offload}"

    @classmethod
    def parse(cls, text: str, specs: Sequence[EngineSpec]) -> Self:
        """Raises: ServiceError unknown_engine or invalid_argument."""
        engine, _, offload = text.rpartition("-")
        return cls.of(find(specs, engine or offload), offload if engine else None)

    @classmethod
    def of(cls, spec: EngineSpec, offload: str | None) -> Self:
        """offload: None for the engine's default."""
        if offload is not None and offload not in spec.offloads:
            raise ServiceError(
                "invalid_argument",
                f"offload of engine '{spec.name}': expected one of {', '.join(spec.offloads)}, "
                f"got '{offload}'",
            )
        return cls(spec.name, offload or spec.offloads[0])


def default(specs: Sequence[EngineSpec]) -> EngineSpec:
    """A table goes from the plainest engine to the fastest: the last that needs no sidecar."""
    return [spec for spec in specs if not spec.sidecar][-1]


def configured(specs: Sequence[EngineSpec], settings: Settings) -> Variant:
    """Raises: ServiceError unknown_engine or invalid_argument."""
    spec = find(specs, settings.engine) if settings.engine else default(specs)
    return Variant.of(spec, settings.offload)


def substitute(specs: Sequence[EngineSpec], settings: Settings) -> Variant | None:
    """Of a sidecar that is away. Raises: ServiceError unknown_engine or invalid_argument."""
    name = settings.sidecar_on_failure
    if name == "fail":
        return None
    spec = find(specs, name)
    if spec.sidecar:
        raise ServiceError(
            "invalid_argument",
            f"HOTPATH_SIDECAR_ON_FAILURE: expected fail or an engine without a sidecar, got {name}",
        )
    return Variant.of(spec, None)


def find(specs: Sequence[EngineSpec], name: str) -> EngineSpec:
    """Raises: ServiceError unknown_engine."""
    for spec in specs:
        if spec.name == name:
            return spec
    names = ", ".join(sorted(spec.name for spec in specs))
    raise ServiceError("unknown_engine", f"unknown engine '{name[:40]}'; choose one of: {names}")
