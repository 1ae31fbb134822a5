"""What the jobs say they will cost is about what they cost: within a factor of ten, in time of the
processor, which a busy machine changes little. `auto` corrects the rest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from time import thread_time
from typing import Any

import pytest

from service.offload.job import Job, execute
from service.screening import watchlist
from service.screening.engines import ENGINES
from service.screening.payment import EXAMPLE, Payment
from service.screening.routes.matches import MATCH
from service.screening.routes.screenings import PROVE, SCREEN
from service.screening.routes.seals import SEAL
from service.screening.routes.validations import VALIDATE

WITHIN = 10
COMPILED = [spec for spec in ENGINES if spec.releases_gil]
HELD = {watchlist.WATCHLIST: watchlist.load(None)}
NAMES = [entry.name for entry in HELD[watchlist.WATCHLIST].entries]
PAYMENTS = [
    Payment(**EXAMPLE | {"end_to_end_id": f"INV-{i}", "debtor_name": NAMES[i]}) for i in range(1000)
]
RECORDS = [random.Random(i).randbytes(150) for i in range(10_000)]


def calls() -> Iterator[Any]:
    for n in (1, 50, 1000):
        yield pytest.param(VALIDATE, (PAYMENTS[:n],), id=f"validate-{n}")
    for n in (1, 100, 10_000):
        yield pytest.param(SEAL, (RECORDS[:n], [0]), id=f"seal-{n}")
        yield pytest.param(PROVE, (RECORDS[:n], 0), id=f"prove-{n}")
    for n, cutoff in ((1, 0.9), (100, 0.9), (4, 0.5), (4, 0.0)):
        yield pytest.param(MATCH, (NAMES[:n], cutoff, 5), id=f"match-{n}-{cutoff}")
    for n in (2, 100):
        yield pytest.param(SCREEN, (PAYMENTS[:n], 0.9, 5), id=f"screen-{n}")


@pytest.mark.parametrize(("job", "raw"), list(calls()) if COMPILED else [])
def test_a_guess_is_of_the_right_size(job: Job, raw: tuple) -> None:
    module = COMPILED[-1].load()
    took = []
    for _ in range(5):
        start = thread_time()
        execute(module, HELD, job, raw)
        took.append(thread_time() - start)
    guessed = sum(job.cost(HELD, *raw))
    assert min(took) / WITHIN < guessed < WITHIN * min(took), (guessed, min(took))
