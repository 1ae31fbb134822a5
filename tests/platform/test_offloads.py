"""The portable side of an engine, without a server around it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from service.errors import ServiceError
from service.offload.engines import Engine, Engines
from service.offload.job import Cost, Job, Outcome, Work
from service.offload.local import Inline
from service.offload.spec import EngineSpec, Variant
from service.settings import Settings
from tests.platform.toy import ENGINES
from tests.platform.toy.sums import SUM


@pytest.mark.parametrize("error", [RuntimeError("x"), BaseException("a panic of another crate")])
def test_whatever_a_kernel_raises_is_hidden_from_the_caller(error) -> None:
    def broken() -> None:
        raise error

    module = SimpleNamespace(broken=broken)
    engine = Engine(Variant("any", "inline"), module, Inline(module, {}))
    job = Job("any", lambda _: Work({"broken": ()}), lambda *_: b"", lambda *_: Cost(0, 0))
    with pytest.raises(ServiceError) as caught:
        asyncio.run(engine.run(job))
    assert (caught.value.code, caught.value.__cause__) == ("internal", error)


@pytest.mark.parametrize("offload", ENGINES[-1].offloads)
def test_each_offload_gives_the_answer_and_says_where_the_time_went(offload: str) -> None:
    async def run() -> Outcome:
        settings = Settings(engine="plain", offload=offload, threads=1, processes=1)
        async with Engines(ENGINES, settings, {}, [SUM]) as engines:
            engine = await engines.get(None)
            assert str(engine.variant) == f"plain-{offload}"
            return await engine.run(SUM, [1, 2], "none", 0.02)

    outcome = asyncio.run(run())
    assert outcome.answer == b'{"total":3}'
    assert 0.02 <= outcome.kernel_s < 5
    assert outcome.rpc_s == 0
    assert (outcome.queue_s > 0) == (offload != "inline")


def test_an_engine_that_cannot_work_is_found_when_it_is_opened() -> None:
    broken = replace(SUM, rehearsal=([1], "raises", 0))

    async def run() -> None:
        async with Engines(ENGINES, Settings(), {}, [SUM, broken]):
            raise AssertionError("it opened")

    with pytest.raises(ServiceError, match="engine 'plain' failed"):
        asyncio.run(run())


def test_an_engine_that_is_not_installed_ends_the_start() -> None:
    absent = EngineSpec("absent", "no_such_module", ("inline",), "hotpath", "")

    async def run() -> None:
        async with Engines([*ENGINES, absent], Settings(), {}, [SUM]):
            raise AssertionError("it opened")

    with pytest.raises(ServiceError, match="engine 'absent' is not installed; run: make setup"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain-inline"),
        ("plain-thread", "plain-thread"),
        ("oracle-process", "oracle-process"),
    ],
)
def test_variants_are_written_with_or_without_their_offload(text: str, expected: str) -> None:
    assert str(Variant.parse(text, ENGINES)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plian", "unknown engine 'plian'; choose one of: oracle, plain"),
        ("plain-boat", "offload of engine 'plain': expected one of "),
    ],
)
def test_variants_that_are_not_there_are_named(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as caught:
        Variant.parse(text, ENGINES)
    assert caught.value.message.startswith(message)
