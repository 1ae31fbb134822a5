"""A domain with one kernel that adds numbers, and what the bench needs to time it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any

import typer

from loadtests.bench.kernel import Benches, Call, KernelBench, Options, Peer, Work
from service.domain import Domain
from service.offload.spec import EngineSpec

HERE = "tests.platform.bench.adding"
ITEMS = 64


def add(numbers: list[int], delay_s: float) -> int:
    time.sleep(delay_s * len(numbers))
    return sum(numbers)


@dataclass(frozen=True, slots=True)
class AddingOptions(Options):
    delay_s: Annotated[float, typer.Option(min=0.0, help="for each number")] = 0.0
    wrong: bool = False

    def facts(self) -> Mapping[str, Any]:
        return {"delay": self.delay_s}


def draw(rng: Random, options: AddingOptions) -> Work:
    return Work([rng.randrange(100) for _ in range(ITEMS)], options)


def numbers(work: Work) -> Call:
    return Call((work.items, work.held.delay_s), len(work.items))


def loop(work: Work) -> Callable[[], int]:
    def total() -> int:
        found = int(work.held.wrong)
        for number in work.items:
            found += number
        return found

    return total


def missing(_: Work) -> Callable[[], int]:
    import no_such_module

    return no_such_module.add  # type: ignore[no-any-return]


def peer(name: str, prepare: Callable[[Work], Callable[[], int]], is_yardstick: bool) -> Peer:
    return Peer(
        name=name,
        package=None if prepare is loop else "no-such-package",
        unit="number",
        prepare=prepare,
        agrees=lambda one, other, _: one == other,
        is_yardstick=is_yardstick,
    )


def bench(*peers: Peer) -> KernelBench:
    return KernelBench(name="add", draw=draw, units={"number": numbers}, peers=peers)


def domain(benches: str | None) -> Domain:
    engines = tuple(
        EngineSpec(name, HERE, ("inline",), "hotpath", "adds") for name in ("plain", "other")
    )
    return Domain(name="adding", engines=engines, routers=(), jobs=(), commands={}, benches=benches)


BENCHES = Benches((bench(peer("loop", loop, is_yardstick=True)),), AddingOptions)
INCOMPLETE = Benches((bench(peer("absent", missing, is_yardstick=False)),), AddingOptions)
DOMAIN = domain(f"{HERE}:BENCHES")
WITHOUT_PEER = domain(f"{HERE}:INCOMPLETE")
WITHOUT_BENCHES = domain(None)
