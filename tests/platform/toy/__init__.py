"""A domain as small as one can be: what the platform's tests run on. It adds numbers up, and
keeps things that have a name."""

from __future__ import annotations

from service.domain import Domain
from service.offload.spec import EngineSpec
from tests.platform.toy.tables import SCHEMA

ENGINES = (
    EngineSpec(
        "oracle",
        "tests.platform.toy.oracle",
        ("inline", "thread", "process"),
        "hotpath",
        "one number after the other",
        is_oracle=True,
    ),
    EngineSpec(
        "plain",
        "tests.platform.toy.plain",
        ("inline", "thread", "process", "auto"),
        "hotpath",
        "all numbers at once",
    ),
)

DOMAIN = Domain(
    name="toy",
    engines=ENGINES,
    routers=("tests.platform.toy.sums:router", "tests.platform.toy.things:router"),
    jobs=("tests.platform.toy.sums:SUM", "tests.platform.toy.sums:SUM_BODY"),
    schema=SCHEMA,
    commands={},
)
