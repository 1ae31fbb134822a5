"""What a run measures: sections and cells of each profile, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from loadtests.lab.plan import RefusedError, choose
from loadtests.lab.profiles import PROFILES
from loadtests.lab.sections import sections
from service.screening.engines import ENGINES
from service.wiring import DOMAIN

VARIANTS = {f"{spec.name}-{offload}" for spec in ENGINES for offload in spec.offloads}


def of(profile="standard", variants=None, scenarios=None, against="gateway"):
    return {s.name: s for s in sections(choose(DOMAIN, profile, variants, scenarios, against))}


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
    assert targets(found["twins"]) == {"rust-auto", "rust-auto-twin"}
    assert len(set(found["twins"].cells)) == 2
    for scenario in {c.scenario for c in found["io"].cells}:
        assert targets(found["io"], scenario) == {"rust-auto", "gateway"}
    assert targets(found["load"]) > {"rust-auto", "gateway"} or profile == "quick"


def test_io_is_saturated_where_each_server_has_one_core():
    chosen = choose(DOMAIN, "standard", None, None, "gateway")
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
    assert loaded == alone >= {"rust-auto", "python-inline", "gateway"}
    assert len({c.io_rate_rps for c in mixed}) == 1


def test_crossover_holds_out_cells_inside_of_what_is_fitted():
    cells = of("standard")["crossover"].cells
    fitted = {(c.items, c.work) for c in cells if not c.held_out}
    held_out = {(c.items, c.work) for c in cells if c.held_out}
    assert fitted.isdisjoint(held_out)
    sizes = [items for items, _ in fitted]
    assert all(min(sizes) < items < max(sizes) for items, _ in held_out)
    assert {c.target for c in cells} == {"python-inline", "rust-auto", "go-rpc"}


def test_a_choice_leaves_out_what_was_not_chosen():
    assert of(scenarios=("json",)).keys() == {"io", "ladder"}
    assert of(scenarios=("mixed",)).keys() == {"mixed"}
    found = of(variants=("python-inline",), against="none")
    everywhere = set().union(*(targets(s) for n, s in found.items() if n != "ladder"))
    assert everywhere == {"python-inline", "python-inline-twin"}
    assert "crossover" not in found  # there is nothing to cross over to


def test_load_follows_what_was_measured():
    load = of("quick")["load"]
    found = load.at_saturation({("matches", "rust-auto"): 1234.0})
    assert [(c.target, c.rate_rps) for c in found.cells] == [
        ("rust-auto", 370.0),
        ("rust-auto", 990.0),
    ]
    assert {(c.model, c.arrivals, c.users) for c in found.cells} == {("open", "poisson", None)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "fast"}, "profile: expected one of quick, standard, full, got 'fast'"),
        ({"variants": ("rsut-thread",)}, "variants: .*rsut"),
        ({"variants": ("rust-auto", "rust-auto")}, "variants: expected each once"),
        ({"scenarios": ("match",)}, "scenario: expected some of matches, .*got 'match'"),
        ({"against": "nginx"}, "against: expected 'gateway' or 'none', got 'nginx'"),
    ],
)
def test_a_wrong_choice_is_refused(options, message):
    with pytest.raises(RefusedError, match=message):
        of(**options)
