"""What the table of engines means for the lab: the sample's, by name."""

from __future__ import annotations

from loadtests.lab import domain
from loadtests.lab.plan import choose
from service.screening.engines import ENGINES
from service.wiring import DOMAIN


def test_main_variants():
    assert domain.main(ENGINES) == ["rust-auto", "python-inline", "go-rpc", "python-process"]
    assert domain.usual(ENGINES) == "rust-auto"


def test_what_others_are_compared_with():
    assert domain.baselines(ENGINES) == ["python-inline", "reference-inline"]


def test_the_crossover_is_between_these():
    assert domain.swept(ENGINES) == ["python-inline", "rust-auto", "go-rpc"]


def test_the_quick_profile():
    assert choose(DOMAIN, "quick", None, None).variants == (
        "reference-inline",
        "python-inline",
        "python-process",
        "cython-auto",
        "rust-auto",
        "rust-inline",
        "go-rpc",
    )


def test_scenarios_in_the_order_of_the_reports():
    lab = domain.lab_of(DOMAIN)
    hot = [scenario.name for scenario in lab.hot()]
    assert hot[:4] == ["matches", "validations", "seals", "screenings"]
    assert [scenario.name for scenario in lab.io()] == ["json", "db", "queries", "rates"]
    assert choose(DOMAIN, "full", None, None).scenarios == (
        *hot,
        *(s.name for s in lab.io()),
        "mixed",
    )
