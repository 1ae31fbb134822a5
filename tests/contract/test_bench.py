"""/bench/*: what TechEmpower's test types prescribed."""

from __future__ import annotations

import html
import http.client
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.contract.conftest import Api

ROUTES = {
    "/bench/plaintext": "text/plain",
    "/bench/json": "application/json",
    "/bench/db": "application/json",
    "/bench/queries?queries=2": "application/json",
    "/bench/updates?queries=2": "application/json",
    "/bench/fortunes": "text/html; charset=utf-8",
}
# The rows that the test types prescribe.
FORTUNES = {
    1: "fortune: No such file or directory",
    2: "A computer scientist is someone who fixes things that aren't broken.",
    3: "After enough decimal places, nobody gives a damn.",
    4: "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
    5: "A computer program does what you tell it to do, not what you want it to do.",
    6: "Emacs is a nice operating system, but I prefer UNIX. — Tom Christaensen",
    7: "Any program that runs right is obsolete.",
    8: "A list is only as strong as its weakest link. — Donald Knuth",
    9: "Feature: A bug with seniority.",
    10: "Computers make very fast, very accurate mistakes.",
    11: '<script>alert("This should not be displayed in a browser alert box.");</script>',
    12: "フレームワークのベンチマーク",
    0: "Additional fortune added at request time.",
}
COUNTS = [
    (None, 1),
    ("", 1),
    ("x", 1),
    ("1.5", 1),
    ("0", 1),
    ("-5", 1),
    ("1", 1),
    ("7", 7),
    ("500", 500),
    ("501", 500),
    ("99999999999999999999", 500),
    ("-99999999999999999999", 1),
]


def world(api: Api) -> dict[int, int]:
    return dict(api.database.rows("SELECT id, randomnumber FROM world"))  # type: ignore[arg-type]


def assert_rows(rows: list[dict]) -> None:
    for row in rows:
        assert row.keys() == {"id", "randomNumber"}
        assert all(type(number) is int and 1 <= number <= 10_000 for number in row.values())


@pytest.mark.parametrize("path", ROUTES)
def test_each_answer_names_server_and_date_once(api: Api, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", api.server.port, timeout=30)
    asked = datetime.now(UTC)
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 200
    headers = [(name.lower(), text) for name, text in answer.getheaders()]
    counts = Counter(name for name, _ in headers)
    single = ("server", "date", "content-type", "content-length")
    assert {name: counts[name] for name in single} == dict.fromkeys(single, 1)
    found = dict(headers)
    assert found["server"] == "hotpath"
    assert re.sub(r";\s*charset=utf-8", "; charset=utf-8", found["content-type"], flags=re.I) in (
        ROUTES[path],
        f"{ROUTES[path]}; charset=utf-8" if ROUTES[path] == "text/plain" else ROUTES[path],
    )
    assert int(found["content-length"]) == len(content)
    date = found["date"]
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date)
    # It has whole seconds, and servers keep it for one.
    assert asked - timedelta(seconds=5) < parsedate_to_datetime(date) <= datetime.now(UTC)


def test_plaintext(api: Api) -> None:
    assert api.get("/bench/plaintext").content == b"Hello, World!"


def test_json(api: Api) -> None:
    assert api.get("/bench/json").content == b'{"message":"Hello, World!"}'


def test_one_row_is_read_from_the_table(api: Api) -> None:
    rows = [api.get("/bench/db").json() for _ in range(30)]
    assert_rows(rows)
    table = world(api)
    assert len(table) == 10_000
    assert all(table[row["id"]] == row["randomNumber"] for row in rows)
    assert len({row["id"] for row in rows}) > 15


def test_a_row_is_read_anew_for_each_request(api: Api) -> None:
    """What changes in the table shows in the next answer, which no cache would do."""
    try:
        api.database.run("UPDATE world SET randomnumber = 7777")
        assert {api.get("/bench/db").json()["randomNumber"] for _ in range(5)} == {7777}
        rows = api.get("/bench/queries?queries=20").json()
        assert {row["randomNumber"] for row in rows} == {7777}
    finally:
        api.database.run("UPDATE world SET randomnumber = 1 + (id * 7919) % 10000")


@pytest.mark.parametrize("route", ["queries", "updates"])
@pytest.mark.parametrize(("queries", "count"), COUNTS)
def test_the_number_of_queries_is_brought_into_range(api: Api, route, queries, count) -> None:
    answer = api.get(f"/bench/{route}", params={} if queries is None else {"queries": queries})
    assert answer.status_code == 200, answer.text
    rows = answer.json()
    assert type(rows) is list
    assert len(rows) == count
    assert_rows(rows)


def test_queries_read_the_table(api: Api) -> None:
    table = world(api)
    rows = api.get("/bench/queries?queries=100").json()
    assert all(table[row["id"]] == row["randomNumber"] for row in rows)
    assert len({row["id"] for row in rows}) > 80


def test_updates_change_distinct_rows_and_say_what_is_there_now(api: Api) -> None:
    before = world(api)
    rows = api.get("/bench/updates?queries=500").json()
    after = world(api)
    told = {row["id"]: row["randomNumber"] for row in rows}
    assert len(told) == 500
    assert {row: after[row] for row in told} == told
    changed = {row for row in before if before[row] != after[row]}
    assert changed <= told.keys()
    assert len(changed) > 480  # one in 10,000 draws the number that it had
    assert len(set(told.values())) > 400


def test_updates_at_once_all_succeed(api: Api) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: api.get("/bench/updates?queries=50"), range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert {len(answer.json()) for answer in answers} == {50}


def test_the_fortunes_page_to_the_letter(api: Api) -> None:
    # Python sorts by code point; so do UTF-8's bytes.
    rows = sorted(FORTUNES.items(), key=lambda row: row[1])
    lines = [f"<tr><td>{row}</td><td>{html.escape(text)}</td></tr>" for row, text in rows]
    page = (
        "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table>"
        "<tr><th>id</th><th>message</th></tr>" + "".join(lines) + "</table></body></html>"
    )
    got = api.get("/bench/fortunes").content.decode()
    # HTML has several ways to write a quote; the rules of the test types allow each.
    for written, usual in (("&#34;", "&quot;"), ("&#39;", "&#x27;"), ("&apos;", "&#x27;")):
        got = got.replace(written, usual)
    assert got == page


def test_the_fortunes_are_read_and_escaped_for_each_request(api: Api) -> None:
    api.database.run("INSERT INTO fortune (id, message) VALUES (99, 'A & B > \"c\" < ''d''')")
    try:
        page = html.unescape(api.get("/bench/fortunes").content.decode())
        raw = api.get("/bench/fortunes").content.decode()
    finally:
        api.database.run("DELETE FROM fortune WHERE id = 99")
    assert "<td>99</td><td>A & B > \"c\" < 'd'</td>" in page
    assert "<td>A &amp; B &gt; " in raw
    assert "<td>99</td>" not in api.get("/bench/fortunes").text
