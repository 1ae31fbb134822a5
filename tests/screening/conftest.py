from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.screening.fixtures import *  # noqa: F403  # the fixtures of the sample
from tests.servers import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which a request may choose its engine."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(log, engine="python", allow_engine_override="true") as found:
        yield found
