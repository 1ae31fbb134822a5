"""What every domain's runs have: prices, cores, and what is recorded of an environment."""

from __future__ import annotations

import os
import time

import psutil
import pytest

from loadtests.lab.fleet import Cores
from loadtests.lab.plan import Price, RefusedError
from loadtests.lab.targets import Target, pinned


@pytest.mark.parametrize("text", ["", "0.04", "USD", "0:USD", "-1:USD", "inf:USD", "x:USD", "1:"])
def test_a_price_has_an_amount_and_a_currency(text):
    with pytest.raises(RefusedError, match="price: expected AMOUNT:CURRENCY"):
        Price.parse(text)


def test_a_price_is_read():
    assert Price.parse("0.04:USD") == Price(0.04, "USD")


def test_what_is_recorded_of_an_environment_has_no_password_and_no_path(tmp_path):
    env = {
        "HOTPATH_DATABASE_URL": "postgresql://lab:secret@db/lab",
        "HOTPATH_LIST": f"{os.sep}home{os.sep}me{os.sep}list",
        "HOTPATH_ENGINE": "plain",
    }
    facts = Target("one", (), tmp_path / "log", env=env).facts({})
    assert facts["environment"] == {"HOTPATH_LIST": "list", "HOTPATH_ENGINE": "plain"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be bound here")
def test_a_pinned_command_has_its_cores_from_the_start():
    core = min(os.sched_getaffinity(0))
    with psutil.Popen(pinned(["sleep", "60"], (core,))) as process:
        try:
            while process.name() != "sleep":
                time.sleep(0.01)
            assert process.cpu_affinity() == [core]
        finally:
            process.kill()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be bound here")
def test_servers_and_generator_share_no_core(monkeypatch):
    for usable in ({0, 1}, {0, 2, 5}, set(range(8))):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, usable=usable: usable)
        cores = Cores.split()
        assert cores.server
        assert cores.generator
        assert {*cores.server} | {*cores.generator} == usable
        assert len(cores.server) + len(cores.generator) == len(usable)


def test_a_server_has_no_settings_of_the_shell_but_its_domain(monkeypatch, tmp_path):
    monkeypatch.setenv("HOTPATH_DOMAIN", "service.other:DOMAIN")
    monkeypatch.setenv("HOTPATH_OFFLOAD", "process")
    target = Target("one", (), tmp_path / "log", env={"HOTPATH_ENGINE": "plain"})
    found = {k: v for k, v in target.environment().items() if k.startswith("HOTPATH_")}
    assert found == {"HOTPATH_DOMAIN": "service.other:DOMAIN", "HOTPATH_ENGINE": "plain"}
