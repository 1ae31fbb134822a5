"""What a run measures: sections and cells of each profile, and what is refused."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import replace

import psutil
import pytest

from loadtests.lab.fleet import Cores, shown_environment
from loadtests.lab.plan import Price, RefusedError, choose
from loadtests.lab.profiles import PROFILES
from loadtests.lab.scenarios import sections
from loadtests.lab.targets import pinned
from service.screening.engines import ENGINES

VARIANTS = {f"{spec.name}-{offload}" for spec in ENGINES for offload in spec.offloads}


def of(profile="standard", variants=None, scenarios=None, against="gateway"):
    return {s.name: s for s in sections(choose(profile, variants, scenarios, against))}


def targets(section, scenario=None):
    return {c.target for c in section.cells if scenario in (None, c.scenario)}


@pytest.mark.parametrize("profile", PROFILES)
def test_cells_are_told_apart_by_their_ids(profile):
    ids = Counter(c.id for s in of(profile).values() if not s.levels for c in s.cells)
    assert set(ids.values()) == {1}


@pytest.mark.parametrize("profile", ["standard", "full"])
def test_every_variant_and_the_gateway_do_all_the_kernels(profile):
    engines = of(profile)["engines"]
    for scenario in ("matches", "validations", "seals", "screenings"):
        assert targets(engines, scenario) == VARIANTS | {"gateway"}
    assert {c.items for c in engines.cells if c.scenario == "seals"} == {10, 100, 1000}


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_has_twins_and_the_service_beside_the_gateway(profile):
    found = of(profile)
    assert targets(found["twins"]) == {"rust-thread", "rust-thread-twin"}
    assert len(set(found["twins"].cells)) == 2
    for scenario in {c.scenario for c in found["io"].cells}:
        assert targets(found["io"], scenario) == {"rust-thread", "gateway"}
    assert targets(found["load"]) > {"rust-thread", "gateway"} or profile == "quick"


def test_io_is_saturated_where_each_server_has_one_core():
    chosen = choose("standard", None, None, "gateway")
    for one_core, users in ((True, 4), (False, 1)):
        found = {s.name: s for s in sections(replace(chosen, one_core=one_core))}
        for name in ("io", "ladder"):
            assert {c.users for c in found[name].cells if c.model == "closed"} == {users}


def test_cells_that_are_compared_have_the_same_load():
    for section in of("standard").values():
        loads = {}
        for cell in section.cells:
            load = (cell.model, cell.users, cell.rate_rps)
            assert loads.setdefault((cell.scenario, cell.items), load) == load


def test_mixed_has_each_target_with_the_hot_path_loaded_and_without():
    mixed = of("standard")["mixed"].cells
    loaded = {c.target for c in mixed if c.users}
    alone = {c.target for c in mixed if c.users == 0}
    assert loaded == alone >= {"rust-thread", "python-inline", "gateway"}
    assert len({c.io_rate_rps for c in mixed}) == 1


def test_crossover_holds_out_cells_inside_of_what_is_fitted():
    cells = of("standard")["crossover"].cells
    fitted = {(c.items, c.work) for c in cells if not c.held_out}
    held_out = {(c.items, c.work) for c in cells if c.held_out}
    assert fitted.isdisjoint(held_out)
    sizes = [items for items, _ in fitted]
    assert all(min(sizes) < items < max(sizes) for items, _ in held_out)
    assert {c.target for c in cells} == {"python-inline", "rust-thread", "go-rpc"}


def test_a_choice_leaves_out_what_was_not_chosen():
    assert of(scenarios=("json",)).keys() == {"io", "ladder"}
    assert of(scenarios=("mixed",)).keys() == {"mixed"}
    found = of(variants=("python-inline",), against="none")
    everywhere = set().union(*(targets(s) for n, s in found.items() if n != "ladder"))
    assert everywhere == {"python-inline", "python-inline-twin"}
    assert "crossover" not in found  # there is nothing to cross over to


def test_load_follows_what_was_measured():
    load = of("quick")["load"]
    found = load.at_saturation({("matches", "rust-thread"): 1234.0})
    assert [(c.target, c.rate_rps) for c in found.cells] == [
        ("rust-thread", 370.0),
        ("rust-thread", 990.0),
    ]
    assert {(c.model, c.arrivals, c.users) for c in found.cells} == {("open", "poisson", None)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "fast"}, "profile: expected one of quick, standard, full, got 'fast'"),
        ({"variants": ("rsut-thread",)}, "variants: .*rsut"),
        ({"variants": ("rust-thread", "rust-thread")}, "variants: expected each once"),
        ({"scenarios": ("match",)}, "scenario: expected some of matches, .*got 'match'"),
        ({"against": "nginx"}, "against: expected 'gateway' or 'none', got 'nginx'"),
    ],
)
def test_a_wrong_choice_is_refused(options, message):
    with pytest.raises(RefusedError, match=message):
        of(**options)


@pytest.mark.parametrize("text", ["", "0.04", "USD", "0:USD", "-1:USD", "inf:USD", "x:USD", "1:"])
def test_a_price_has_an_amount_and_a_currency(text):
    with pytest.raises(RefusedError, match="price: expected AMOUNT:CURRENCY"):
        Price.parse(text)


def test_a_price_is_read():
    assert Price.parse("0.04:USD") == Price(0.04, "USD")


def test_what_is_recorded_of_an_environment_has_no_password_and_no_path():
    env = {
        "HOTPATH_DATABASE_URL": "postgresql://lab:secret@db/lab",
        "HOTPATH_WATCHLIST": f"{os.sep}home{os.sep}me{os.sep}list",
        "HOTPATH_ENGINE": "rust",
    }
    assert shown_environment(env) == {"HOTPATH_WATCHLIST": "list", "HOTPATH_ENGINE": "rust"}


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
