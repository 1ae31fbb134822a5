"""Servers of the application, on real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.nearest import places
from service.nearest.sphere import Position
from tests.servers import COMMANDS, Server, serving

CITIES = {
    "Berlin": Position(52.52, 13.405),
    "Sydney": Position(-33.8688, 151.2093),
    "Suva": Position(-18.1416, 178.4419),
    "Los Angeles": Position(33.94, -118.40),
}


@pytest.fixture(scope="session")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("places") / "cities.csv"
    places.write(path, CITIES)
    return path


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, cities: Path) -> Iterator[Server]:
    """A server on which a request may choose its engine."""
    log = tmp_path_factory.mktemp("server") / "log"
    settings = {"allow_engine_override": "true", "places": str(cities)}
    with serving(log, engine="python", **settings) as found:
        yield found


# engine: go
@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, cities: Path) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    with serving(log, command=COMMANDS["gateway"], places=str(cities)) as found:
        yield found


# engine: end
@pytest.fixture(
    params=[
        "service",
        # engine: go
        "gateway",
        # engine: end
    ]
)
def server(request: pytest.FixtureRequest) -> Server:
    """Each that keeps the HTTP contract."""
    found: Server = request.getfixturevalue(request.param)
    return found
