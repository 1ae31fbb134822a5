"""The generator's process, which may end when it should not."""

from __future__ import annotations

from dataclasses import replace

import psutil
import pytest

from loadtests.lab import runner
from loadtests.lab.locust_process import locust
from loadtests.lab.progress import Progress
from loadtests.lab.targets import LabError
from tests.lab import fakes


@pytest.fixture
def sound(tmp_path):
    plan = fakes.plan(tmp_path, fakes.section(["sound"]))
    target = plan.targets["sound"]
    target.start()
    yield plan, target
    target.stop()


def ordered(plan, target, **changes):
    measurement = runner.Measurement(None, plan.pools, None, Progress(), runner.Outcome(), seed=1)
    (section,) = plan.sections
    return replace(measurement.order(section, section.cells[0], target, 1), **changes)


def test_it_is_started_anew_after_it_was_lost(tmp_path, sound):
    order = ordered(*sound)
    with locust(tmp_path / "logs/locust.log", Progress(), None) as process:
        first = process.load(order, 30)
        (pid,) = (
            child.pid
            for child in psutil.Process().children()
            if "loadtests.lab.generator" in child.cmdline()
        )
        psutil.Process(pid).kill()
        with pytest.raises(LabError, match="the generator has ended"):
            process.load(order, 30)
        again = process.load(order, 30)
        assert again["streams"]["main"]["completed"] > 0
        assert first["faults"] == again["faults"] == []
    assert not psutil.pid_exists(pid)


def test_a_block_without_figures_in_time_is_an_error(tmp_path, sound):
    long = ordered(*sound, window_s=60.0)
    with (
        locust(tmp_path / "logs/locust.log", Progress(), None) as process,
        pytest.raises(LabError, match="gave no answer within 1 s"),
    ):
        process.load(long, 1)


def test_all_targets_get_the_same_requests_and_arrivals(sound):
    plan, target = sound
    order = ordered(plan, target)
    plan.targets["sound"].name = "other"
    assert ordered(plan, target) == order
    assert order.url == target.url
    assert order.streams[0].users == 2
