"""What a domain says of a kernel that is to be timed: one KernelBench, in a file of its own.

Imports nothing, so that a domain can name these types wherever it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from loadtests.options import Options as Options


@dataclass(frozen=True, slots=True)
class Work:
    """What is timed, the same for every implementation.

    items: what one call is about, such as queries. Slow engines get the first of them, and
        engines that split a call over cores get them several times over.
    held: what stays between calls, such as an index.
    """

    items: list[Any]
    held: Any = None

    def first(self, count: int) -> Work:
        return Work(self.items[:count], self.held)

    def repeated(self, times: int) -> Work:
        return Work(self.items * times, self.held)


@dataclass(frozen=True, slots=True)
class Call:
    """arguments: of the kernel. units: what a call with them is counted as."""

    arguments: tuple[Any, ...]
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What users would take instead, or pay anyway.

    package: the distribution that brings it; None for the standard library.
    unit: of the bench, that its figure is per.
    prepare: gives the function that does all of the work once. It imports the package.
    agrees: tells from its answer, the kernel's and the work whether it does the same; a figure
        of one that does not would say nothing.
    is_yardstick: the tables give all figures of this unit as multiples of its own.
    """

    name: str
    package: str | None
    unit: str
    prepare: Callable[[Work], Callable[[], Any]]
    agrees: Callable[[Any, Any, Work], bool]
    is_yardstick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBench:
    """name: of the kernel, as engines have it.
    draw: makes the work from a seeded generator and the domain's Options.
    units: by name what a figure can be per, and the call that is timed for it.
    """

    name: str
    draw: Callable[[Random, Any], Work]
    units: Mapping[str, Callable[[Work], Call]]
    peers: tuple[Peer, ...] = ()


@dataclass(frozen=True, slots=True)
class Benches:
    """All that a domain has to time; Domain.benches is the import string of one."""

    kernels: tuple[KernelBench, ...] = ()
    options: type[Options] = Options

    def names(self) -> list[str]:
        return [bench.name for bench in self.kernels]

    def named(self, name: str) -> KernelBench:
        return self.kernels[self.names().index(name)]
