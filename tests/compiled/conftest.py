from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from tests.compiled.twins import Twins


@pytest.fixture(scope="session")
def twins() -> Iterator[Callable[[Callable[[], FastAPI]], Twins]]:
    """Of a function that makes an app; made once for each of them."""
    made: dict[Callable[[], FastAPI], Twins] = {}

    def make(app: Callable[[], FastAPI]) -> Twins:
        if app not in made:
            made[app] = Twins(app)
        return made[app]

    yield make
    for each in made.values():
        each.close()
