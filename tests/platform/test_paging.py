"""Pages of a list, the newest first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.platform.running import serving
from tests.servers import Server

COUNT = 25
NAMES = [f"thing {number}" for number in range(COUNT)][::-1]  # as listed


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("paging") / "log") as server:
        create(server, *reversed(NAMES))
        yield server


def create(server: Server, *names: str) -> None:
    for name in names:
        assert server.client.post("/v1/things", json={"name": name}).status_code == 201


def page(server: Server, query: str = "") -> tuple[list[str], str | None]:
    response = server.client.get(f"/v1/things{query}")
    assert response.status_code == 200, response.text
    found = response.json()
    return [thing["name"] for thing in found["things"]], found["next"]


def test_twenty_come_unasked(filled: Server) -> None:
    found, after = page(filled)
    assert found == NAMES[:20]
    assert page(filled, f"?after={after}") == (NAMES[20:], None)


@pytest.mark.parametrize("limit", [1, 7, COUNT - 1, COUNT, COUNT + 1, 100])
def test_pages_of_any_size_have_each_thing_once(filled: Server, limit: int) -> None:
    seen, after = page(filled, f"?limit={limit}")
    while after is not None:
        found, after = page(filled, f"?limit={limit}&after={after}")
        assert 1 <= len(found) <= limit
        seen += found
    assert seen == NAMES


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("?limit=0", "limit: expected 1 to 100, got '0'"),
        ("?limit=101", "limit: expected 1 to 100, got '101'"),
        ("?limit=x", "limit: expected an integer, got 'x'"),
        ("?after=x", "after: expected a UUID, got 'x'"),
        ("/x", "id: expected a UUID, got 'x'"),
    ],
)
def test_what_cannot_be_is_a_clear_problem(filled: Server, path: str, message: str) -> None:
    response = filled.client.get(f"/v1/things{path}")
    assert (response.status_code, response.json()["detail"]) == (422, message)


def test_what_is_created_meanwhile_does_not_shift_pages(tmp_path) -> None:
    with serving(tmp_path / "log") as server:
        create(server, "a", "b", "c", "d")
        first, after = page(server, "?limit=2")
        create(server, "e")
        assert (first, page(server, f"?limit=2&after={after}")[0]) == (["d", "c"], ["b", "a"])
        assert page(server, "?limit=1")[0] == ["e"]
