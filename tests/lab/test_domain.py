"""What any domain's engines and scenarios mean for a run: many of them or one, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.lab import domain
from loadtests.lab.plan import RefusedError, choose
from loadtests.lab.scenario import Draw, Lab, Scenario, Work, equal_json, post
from loadtests.lab.sections import sections
from service.domain import Domain
from service.offload.spec import EngineSpec

LOCAL = ("inline", "thread", "process")


def spec(name, offloads=LOCAL, **more):
    return EngineSpec(name, "json", offloads, "pip", "made up", **more)


ORACLE, PLAIN = spec("oracle", is_oracle=True), spec("plain")
FAST, FAR = spec("fast", ("thread", "inline")), spec("far", ("rpc",), sidecar="json:loads")


def squares(draw, items, level):
    batches = [[draw.dice(i).randrange(100) for _ in range(items)] for i in range(3)]
    return [post("/v1/squares", b, equal_json, [value**2 for value in b]) for b in batches]


WORK = Work(levels=(1.0, 2.0), unit=lambda *_: (list, 1))
SQUARES = Scenario(name="squares", requests=squares, items=10, sweep=(1,), is_hot=True, work=WORK)
SLOW = Scenario(name="slow", requests=squares, rate_rps=20.0)
LAB = Lab(scenarios=(SLOW, SQUARES))


def of(*engines, lab="tests.lab.test_domain:LAB"):
    return Domain(name="made_up", engines=engines, routers=(), jobs=(), commands={}, lab=lab)


def chosen(found, profile="standard", **more):
    return choose(found, profile, None, None, **more)


def names(cells, section):
    return list(dict.fromkeys(c.target for s in cells if s.name == section for c in s.cells))


def test_the_domains_scenarios_stand_around_the_platforms():
    found = chosen(of(PLAIN, FAST))
    assert found.scenarios == ("squares", "json", "db", "queries", "slow", "mixed")


@pytest.mark.parametrize(
    ("engines", "main", "baselines"),
    [
        ((ORACLE, PLAIN, FAST), ["fast-thread", "plain-inline", "plain-process"],
         ["plain-inline", "oracle-inline"]),
        ((PLAIN,), ["plain-inline", "plain-process"], ["plain-inline"]),
        ((ORACLE,), ["oracle-inline", "oracle-process"], ["oracle-inline"]),
        ((PLAIN, FAR), ["plain-inline", "far-rpc", "plain-process"], ["plain-inline"]),
    ],
)  # fmt: skip
def test_what_is_not_in_the_table_is_left_out(engines, main, baselines):
    assert domain.main(engines) == main
    assert domain.baselines(engines) == baselines


def test_only_with_a_sidecar_there_is_a_crossover():
    without = [section.name for section in sections(chosen(of(PLAIN, FAST), against="none"))]
    assert without == ["engines", "twins", "io", "load", "mixed", "ladder"]
    # Its module has no such path, and nothing is started here.
    found = replace(chosen(of(PLAIN, FAST), against="none"), domain=of(PLAIN, FAST, FAR))
    found = replace(found, variants=(*found.variants, "far-rpc"))
    cells = sections(found)
    assert names(cells, "crossover") == ["plain-inline", "fast-thread", "far-rpc"]
    (swept,) = (section for section in cells if section.name == "crossover")
    assert {cell.work for cell in swept.cells} == {1.0, 2.0}


def test_a_domain_without_a_lab_measures_the_platforms_routes():
    found = chosen(of(PLAIN, lab=None), against="none")
    assert found.scenarios == ("json", "db", "queries")
    assert [section.name for section in sections(found)] == ["io", "ladder"]
    with pytest.raises(RefusedError, match="scenario: expected some of json, db, queries, got"):
        choose(of(PLAIN, lab=None), "quick", None, ("mixed",))


def test_without_a_mark_the_quick_profile_has_each_engines_default():
    assert chosen(of(ORACLE, PLAIN, FAST), "quick").variants == (
        "oracle-inline", "plain-inline", "fast-thread",
    )  # fmt: skip
    marked = spec("marked", quick=("process",))
    assert chosen(of(PLAIN, marked), "quick").variants == ("marked-process",)


def test_steady_arrivals_and_swept_sizes_are_the_scenarios_own():
    cells = [cell for section in sections(chosen(of(PLAIN))) for cell in section.cells]
    assert {c.rate_rps for c in cells if c.scenario == "slow"} == {20.0}
    assert {c.items for c in cells if c.section == "engines"} == {10, 1}


def test_the_gateway_is_measured_only_where_it_is_there(monkeypatch):
    monkeypatch.setattr(domain, "has_command", lambda _: False)
    assert chosen(of(PLAIN)).against() == []
    with pytest.raises(RefusedError, match="against: expected 'none', for there is no gateway"):
        chosen(of(PLAIN), against="gateway")
    monkeypatch.setattr(domain, "has_command", lambda _: True)
    assert chosen(of(PLAIN)).against() == ["gateway"]
    assert chosen(of(PLAIN), against="none").against() == []


def test_a_command_is_there_if_its_package_is():
    assert domain.has_command("lab")
    assert not domain.has_command("no-such-command")


def test_the_same_seed_draws_the_same_requests():
    assert squares(Draw(1), 4, None) == squares(Draw(1), 4, None) != squares(Draw(2), 4, None)
