from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.settings import Settings
from tests.databases import Database
from tests.platform.running import serving
from tests.platform.toy.gate import Gate
from tests.servers import Server

MAX_BODY_BYTES = 100_000


@pytest.fixture
def settings(empty: Database) -> Settings:
    return Settings(database_url=empty.url)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Open in the end, so that nothing waits at it for ever."""
    (tmp_path / "gate").mkdir()
    found = Gate(tmp_path / "gate")
    yield found
    found.open()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One on which a request may choose its engine, on SQLite."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(
        log,
        engine="plain",
        offload="thread",
        allow_engine_override="true",
        max_body_bytes=str(MAX_BODY_BYTES),
        request_timeout_s="5",
    ) as found:
        yield found
