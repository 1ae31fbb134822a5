"""What an engine is called, where it lives, and whether it is there."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType
from typing import Self

from pydantic import BaseModel

from service.engines.sidecar import Sidecar
from service.errors import ServiceError

OFFLOADS = ("inline", "thread", "process", "rpc")
"""How a call leaves the event loop: not at all, to a thread, to a process, to the sidecar."""


class EngineStatus(BaseModel):
    name: str
    offloads: list[str]
    available: bool
    version: str | None
    detail: str  # of an engine that is not available: why


@dataclass(frozen=True, slots=True)
class EngineSpec:
    name: str
    module: str  # import string of its kernels
    offloads: tuple[str, ...]  # those that make sense for it; the first is the default
    distribution: str  # the installed package that brings it
    summary: str
    sidecar: str | None = None  # "module:function" that gives the sidecar's path

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

    def start_sidecar(self, threads: int) -> Sidecar:
        """Blocks until it serves. Raises: ServiceError engine_down."""
        return Sidecar(self.sidecar_path(), "-threads", str(threads)).start()

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
    """An engine and its offload, written `rust-thread`."""

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


def find(specs: Sequence[EngineSpec], name: str) -> EngineSpec:
    """Raises: ServiceError unknown_engine."""
    for spec in specs:
        if spec.name == name:
            return spec
    names = ", ".join(sorted(spec.name for spec in specs))
    raise ServiceError("unknown_engine", f"unknown engine '{name[:40]}'; choose one of: {names}")
