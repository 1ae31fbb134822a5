"""The offload that decides call by call."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from service.offload.auto import INLINE_S, Auto
from service.offload.job import Cost, FromBody, Job, Setup, Work
from service.settings import Settings
from tests.platform.toy import ENGINES


def run(module: Any, calls: Callable[[Auto], Any]) -> Any:
    async def open_and_call() -> Any:
        auto = await Auto.open(Setup(ENGINES[-1], module, {}, Settings(threads=1)))
        try:
            return await calls(auto)
        finally:
            await auto.close(1)

    return asyncio.run(open_and_call())


def on_the_loop() -> bool:
    return threading.current_thread() is threading.main_thread()


def job(cost: Cost) -> Job:
    return Job(
        "where",
        lambda _held: Work({"where": ()}),
        lambda _held, _kept, results: results["where"],
        lambda _held: cost,
    )


@pytest.mark.parametrize("part", ["shared_s", "kernels_s"])
@pytest.mark.parametrize(("seconds", "inline"), [(0.9 * INLINE_S, True), (1.1 * INLINE_S, False)])
def test_what_is_expected_decides(part: str, seconds: float, inline: bool) -> None:
    cost = Cost(**{"shared_s": 0.0, "kernels_s": 0.0, part: seconds})
    module = SimpleNamespace(where=on_the_loop)

    async def calls(auto: Auto) -> Any:
        return (await auto.run(job(cost))).answer

    assert run(module, calls) is inline


def test_a_guess_that_is_too_low_is_corrected() -> None:
    """A job that says a microsecond and takes a hundred times the bound soon leaves the loop."""

    def where() -> bool:
        until = time() + 100 * INLINE_S
        while time() < until:
            pass
        return on_the_loop()

    from time import perf_counter as time

    async def calls(auto: Auto) -> Any:
        low = job(Cost(0, 1e-6))
        answers = [(await auto.run(low)).answer for _ in range(80)]
        return answers, auto.corrections["where"]

    answers, correction = run(SimpleNamespace(where=where), calls)
    assert answers[0] is True
    assert answers[-1] is False
    assert correction > 100


def test_a_guess_that_is_too_high_is_corrected() -> None:
    async def calls(auto: Auto) -> Any:
        high = job(Cost(0, 1.5 * INLINE_S))  # of a kernel that takes next to nothing
        return [(await auto.run(high)).answer for _ in range(200)]

    answers = run(SimpleNamespace(where=on_the_loop), calls)
    assert answers[0] is False
    assert answers[-1] is True


def test_a_body_that_is_heavy_is_answered_in_a_thread() -> None:
    asked: list[tuple[float, bool]] = []

    def answer(body: bytes, within_s: float, extra: int) -> bytes | float | None:
        asked.append((within_s, on_the_loop()))
        assert extra == 7
        if body == b"not plain":
            return None
        return 0.5 if body == b"heavy" and within_s < 0.5 else body

    bodies = FromBody("answer", "answer", lambda _held: (7,), b"light")

    async def calls(auto: Auto) -> Any:
        return [
            (await auto.run(bodies, body, math.inf)).answer
            for body in (b"light", b"heavy", b"not plain")
        ]

    assert run(SimpleNamespace(answer=answer), calls) == [b"light", b"heavy", None]
    assert asked == [(INLINE_S, True), (INLINE_S, True), (math.inf, False), (INLINE_S, True)]
