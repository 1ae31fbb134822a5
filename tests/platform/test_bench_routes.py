from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx2
import pytest

from service.settings import Rung, Settings
from tests.platform.running import serving
from tests.servers import Server

FORTUNES = (
    "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>"
    "<tr><th>id</th><th>message</th></tr>"
    "<tr><td>11</td><td>&lt;script&gt;alert(&quot;This should not be displayed in a browser alert "
    "box.&quot;);&lt;/script&gt;</td></tr>"
    "<tr><td>4</td><td>A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1</td></tr>"
    "<tr><td>5</td><td>A computer program does what you tell it to do, not what you want it to do."
    "</td></tr>"
    "<tr><td>2</td><td>A computer scientist is someone who fixes things that aren&#x27;t broken."
    "</td></tr>"
    "<tr><td>8</td><td>A list is only as strong as its weakest link. — Donald Knuth</td></tr>"
    "<tr><td>0</td><td>Additional fortune added at request time.</td></tr>"
    "<tr><td>3</td><td>After enough decimal places, nobody gives a damn.</td></tr>"
    "<tr><td>7</td><td>Any program that runs right is obsolete.</td></tr>"
    "<tr><td>10</td><td>Computers make very fast, very accurate mistakes.</td></tr>"
    "<tr><td>6</td><td>Emacs is a nice operating system, but I prefer UNIX. — Tom Christaensen"
    "</td></tr>"
    "<tr><td>9</td><td>Feature: A bug with seniority.</td></tr>"
    "<tr><td>1</td><td>fortune: No such file or directory</td></tr>"
    "<tr><td>12</td><td>フレームワークのベンチマーク</td></tr>"
    "</table></body></html>"
)


@pytest.fixture(scope="module", params=get_args(Rung))
def rung(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server on each rung, one at a time, for all tests of the rung."""
    log = tmp_path_factory.mktemp(request.param) / "log"
    with serving(log, engine="plain", bench_routes="true", bench_rung=request.param) as server:
        yield server


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("bench") / "log"
    with serving(log, engine="plain", bench_routes="true") as server:
        yield server


def has_the_prescribed_headers(response: httpx2.Response) -> bool:
    counts = Counter(name.lower() for name, _ in response.headers.raw)
    assert response.headers["Server"] == "hotpath"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", response.headers["Date"])
    return max(counts.values()) == 1


def are_worlds(found: object) -> bool:
    assert isinstance(found, list)
    assert all(world.keys() == {"id", "randomNumber"} for world in found)
    return all(type(n) is int and 1 <= n <= 10_000 for world in found for n in world.values())


def test_every_rung_sends_the_same_json(rung: Server) -> None:
    response = rung.client.get("/bench/json")
    assert response.status_code == 200
    assert response.content == b'{"message":"Hello, World!"}'
    assert response.headers["Content-Type"] == "application/json"
    assert has_the_prescribed_headers(response)


def test_every_rung_reads_a_random_row_for_each_request(rung: Server) -> None:
    responses = [rung.client.get("/bench/db") for _ in range(8)]
    assert all(response.status_code == 200 for response in responses)
    assert all(response.headers["Content-Type"] == "application/json" for response in responses)
    assert all(has_the_prescribed_headers(response) for response in responses)
    assert are_worlds([response.json() for response in responses])
    assert len({response.json()["id"] for response in responses}) > 1
    # No spaces, as the other rungs write it.
    assert all(re.fullmatch(r'\{"id":\d+,"randomNumber":\d+\}', r.text) for r in responses)


@pytest.mark.parametrize("path", ["plaintext", "json", "db", "queries", "updates", "fortunes"])
def test_every_answer_has_the_prescribed_headers(bench: Server, path: str) -> None:
    response = bench.client.get(f"/bench/{path}")
    assert response.status_code == 200
    assert has_the_prescribed_headers(response)


def test_plaintext(bench: Server) -> None:
    response = bench.client.get("/bench/plaintext")
    assert response.content == b"Hello, World!"
    assert response.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize("path", ["queries", "updates"])
@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("", 1),
        ("?queries=", 1),
        ("?queries=foo", 1),
        ("?queries=1.5", 1),
        ("?queries=1_0", 1),
        ("?queries=٣", 1),
        ("?queries=0", 1),
        ("?queries=-7", 1),
        ("?queries=2", 2),
        ("?queries=500", 500),
        ("?queries=501", 500),
        ("?queries=99999999999999999999", 500),
    ],
)
def test_the_number_of_rows_is_brought_into_its_range(
    bench: Server, path: str, asked: str, count: int
) -> None:
    response = bench.client.get(f"/bench/{path}{asked}")
    assert response.status_code == 200
    assert len(response.json()) == count
    assert are_worlds(response.json())


def test_updates_change_distinct_rows_in_the_database(bench: Server) -> None:
    import sqlite3

    worlds = bench.client.get("/bench/updates?queries=500").json()
    assert len({world["id"] for world in worlds}) == 500
    with sqlite3.connect(bench.log.parent / "hotpath.db") as database:
        stored = dict(database.execute("SELECT id, randomnumber FROM world"))
    database.close()
    assert {world["id"]: world["randomNumber"] for world in worlds}.items() <= stored.items()


def test_fortunes_are_sorted_and_escaped(bench: Server) -> None:
    response = bench.client.get("/bench/fortunes")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.text == FORTUNES


def test_the_routes_are_declared_where_they_are_mounted(bench: Server) -> None:
    paths = bench.client.get("/openapi.json").json()["paths"]
    found = {
        path: operation["get"]["operationId"]
        for path, operation in paths.items()
        if path.startswith("/bench/")
    }
    names = ["plaintext", "json", "db", "queries", "updates", "fortunes"]
    assert found == {f"/bench/{name}": f"bench_{name}" for name in names}


def test_without_the_setting_there_are_no_such_routes(tmp_path: Path) -> None:
    assert Settings.model_fields["bench_routes"].default is False
    with serving(tmp_path / "log", engine="plain") as server:
        assert server.client.get("/bench/json").json()["code"] == "not_found"
        paths = server.client.get("/openapi.json").json()["paths"]
        assert not [path for path in paths if path.startswith("/bench")]
