"""Engines that split one large call over cores answer as with one."""

from __future__ import annotations

import asyncio
import random
from contextlib import ExitStack

import numpy as np
import pytest

from service.offload.spec import EngineSpec
from service.packed import Blobs, CodePoints
from service.screening.benches import validate
from service.screening.contract.payment_rules import rule_tables
from service.screening.engines import ENGINES
from service.screening.payment import columns
from tests.screening.fixtures import misspelt

LARGE = 20_000


def calls(synthetic):
    names = [entry.normalized for entry in synthetic.entries]
    drawn = validate.draw(random.Random(1), None).items
    payments = drawn * (LARGE // len(drawn))
    rng = random.Random(1)
    records = Blobs.pack([rng.randbytes(rng.randrange(60)) for _ in range(LARGE)])
    places = np.array([0, 1, LARGE // 2, LARGE - 1], dtype="<i4")
    return {
        "screen": (CodePoints.pack(misspelt(names, 300, 5)), synthetic.index, 0.85, 10),
        "validate": (columns(payments), rule_tables()),
        "seal": (records,),
        "prove": (records, places),
    }


def plain(result):
    if isinstance(result, tuple):
        return [part.tolist() for part in result]
    return result.tolist() if isinstance(result, np.ndarray) else result


def splitting_engines() -> list[EngineSpec]:
    return [spec for spec in ENGINES if spec.sidecar or hasattr(spec.load(), "use_threads")]


# engine: rust
def test_rust_can_split_calls() -> None:
    assert any(spec.name == "rust" for spec in splitting_engines())


# engine: end
# engine: go
def test_the_sidecar_can_split_calls() -> None:
    assert any(spec.sidecar for spec in splitting_engines())


# engine: end
@pytest.mark.parametrize("spec", splitting_engines(), ids=lambda spec: spec.name)
def test_three_threads_answer_as_one(spec: EngineSpec, synthetic) -> None:
    work = calls(synthetic)
    one, three = (answers(spec, threads, work) for threads in (1, 3))
    for kernel in work:
        assert one[kernel] == three[kernel], kernel


def answers(spec: EngineSpec, threads: int, work):
    with ExitStack() as stack:
        engine = spec.load()
        # engine: go
        if spec.sidecar:
            from tests.screening.fixtures import Remote

            engine = Remote(spec, stack.enter_context(asyncio.Runner()), stack, threads)
        # engine: end
        if spec.use_threads(threads):
            stack.callback(spec.use_threads, 1)
        return {
            kernel: plain(getattr(engine, kernel)(*arguments)) for kernel, arguments in work.items()
        }
