"""The switch that makes an engine slower by a known factor, for the lab's own test."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from service.errors import ServiceError
from service.offload.slowdown import slowed
from service.settings import Settings


def test_each_call_takes_the_factor_times_as_long_and_answers_the_same() -> None:
    def kernel(seconds: float) -> str:
        time.sleep(seconds)
        return "answer"

    slow = slowed(SimpleNamespace(screen=kernel), 3, "thread")
    started = time.perf_counter()
    assert slow.screen(0.02) == "answer"
    assert time.perf_counter() - started >= 0.06


def test_it_is_refused_unless_bench_routes_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTPATH_TEST_SLOWDOWN", "1.05")
    with pytest.raises(ValidationError, match="expected 1 without bench_routes"):
        Settings()
    monkeypatch.setenv("HOTPATH_BENCH_ROUTES", "true")
    assert Settings().test_slowdown == 1.05


def test_kernels_of_another_process_cannot_be_slowed() -> None:
    with pytest.raises(ServiceError, match="expected the offload inline or thread, got 'rpc'"):
        slowed(SimpleNamespace(), 1.05, "rpc")
