"""The list's files: both servers load the same rows, or refuse them at the same line.

The gateway is started on each directory; the service's reader is called, which its start calls too.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from hotpath_go import program_path
from hotpath_go.commands import environment
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ServiceError
from service.screening import watchlist
from service.wiring import DOMAIN
from tests.contract.conftest import Start
from tests.databases import Sqlite
from tests.servers import client_of, free_port, wait_until

PROPERTY = settings(max_examples=30, deadline=None)

NULLS = b"-0- ," * 9 + b"-0- "
SDN = b'36,"ANGLO, ""LTD""",' + NULLS + b"\r\n"
ALT = b'36,1,"aka","ANGLO",-0- \r\n'
END = b"\x1a"

Found = list[tuple[str, str]] | str
"""Entity number and name of each row, or the error up to what came."""


def by_service(directory: Path) -> Found:
    try:
        return [(entry.uid, entry.name) for entry in watchlist.load(directory).entries]
    except ServiceError as error:
        return error.message.split(", got")[0]


def by_gateway(directory: Path) -> Found:
    port = free_port()
    checked = DOMAIN.settings(watchlist=directory, database_url=f"sqlite:///{directory / 'x.db'}")  # type: ignore[call-arg]  # the sample has it
    command = [str(program_path("gateway")), "-listen", f"127.0.0.1:{port}"]
    log = directory / "log"
    with ExitStack() as stack:
        errors = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(command, env=environment(checked), stderr=errors)
        stack.callback(process.wait, 60)
        stack.callback(process.kill)
        client = stack.enter_context(client_of(port))
        wait_until(lambda: process.poll() is not None or _answers(client), "the gateway", log)
        if process.poll() is not None:
            message = log.read_text().removeprefix("hotpath-gateway: ")
            return message.strip().split(", got")[0]
        body = {"names": ["x"], "cutoff": 0, "limit": 1000}
        hits = client.post("/v1/matches", json=body).json()["results"][0]["hits"]
        return [(hit["uid"], hit["name"]) for hit in sorted(hits, key=lambda hit: hit["row"])]


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/health/live").status_code == 200
    except httpx2.TransportError:
        return False


def write(directory: Path, sdn: bytes, alt: bytes = END) -> None:
    (directory / "sdn.csv").write_bytes(sdn)
    (directory / "alt.csv").write_bytes(alt)


def row(name: bytes, remarks: bytes = b"-0- ") -> bytes:
    return b"36," + name + b",-0- " * 9 + b"," + remarks


LOADED = {
    "as published": (SDN + END, ['ANGLO, "LTD"']),
    "LF": (row(b'"A"') + b"\n" + row(b"B") + b"\n" + END, ["A", "B"]),
    "CR": (row(b'"A"') + b"\r" + row(b"B") + b"\r" + END, ["A", "B"]),
    "mixed line ends": (row(b"A") + b"\r" + row(b"B") + b"\n" + row(b"C") + END, list("ABC")),
    "no end of the last line": (row(b'"A"') + END, ["A"]),
    "blank lines": (b"\r\n\n" + row(b"A") + b"\r\r\r\n" + row(b"B") + b"\n\n" + END, ["A", "B"]),
    "byte order mark": (b"\xef\xbb\xbf" + SDN + END, ['ANGLO, "LTD"']),
    "byte order mark and quote": (b'\xef\xbb\xbf"36"' + row(b"A")[2:] + END, ["A"]),
    "no quotes": (row("A\u2028B\u2029C\x85D".encode()) + END, ["A\u2028B\u2029C\x85D"]),
    "form feed": (row(b"A\x0cB\x0bC\x1cD\x1eE") + b"\r\n" + END, ["A\x0cB\x0bC\x1cD\x1eE"]),
    "lines in quotes": (row(b'"A\rB\nC\r\nD"') + b"\r\n" + END, ["A\rB\nC\r\nD"]),
    "long field": (row(b"A", b'"' + b"x" * 200_000 + b'"') + END, ["A"]),
    "long plain field": (row(b"A", b"x" * 200_000) + END, ["A"]),
    "end mark within": (row(b"A\x1aB") + END, ["A\x1aB"]),
    "spaces": (row(b" A ") + END, [" A "]),
}


@pytest.mark.parametrize("load", [by_service, by_gateway])
@pytest.mark.parametrize("kind", LOADED)
def test_every_way_to_write_a_row_is_read(load, kind: str, tmp_path: Path) -> None:
    sdn, names = LOADED[kind]
    write(tmp_path, sdn)
    assert load(tmp_path) == [("36", name) for name in names]


NO_NAME = "expected an entity number and a name"
REFUSED = {
    "quote in a plain field": (row(b'A"B'), 1, "expected quotes around a field with a quote in it"),
    "space before the quote": (row(b' "A"'), 1, "expected quotes around a field"),
    "more after the quote": (SDN + row(b'"A"B'), 2, "expected a comma or the end of the line"),
    "open quote": (SDN + b"\r\n" + row(b'"A'), 3, "expected a closing quote"),
    "open quote after pairs": (SDN + row(b'"A""B'), 2, "expected a closing quote"),
    "columns": (SDN + SDN + b"1,2\r\n" + SDN, 3, "expected 12 columns"),
    "columns after lines in quotes": (row(b'"A\r\nB\rC"') + b"\r\n1,2", 4, "expected 12 columns"),
    "a line of spaces": (SDN + b" \r\n", 2, "expected 12 columns"),
    "quotes alone": (SDN + b'""\r\n', 2, "expected 12 columns"),
    "no name": (SDN + row(b"-0- "), 2, NO_NAME),
    "empty name": (SDN + b"\r" + row(b'""'), 3, NO_NAME),
    "digits of another script": ("\u0663\u0666".encode() + row(b"A")[2:], 1, NO_NAME),
    "NUL": (SDN + b"\r" + row(b"A\0B"), 3, "expected text"),
    "no UTF-8": (SDN + row(b"A\xe2\x80"), 2, "expected UTF-8"),
    "half a surrogate pair": (SDN + row(b"\xed\xa0\x80"), 2, "expected UTF-8"),
    "long name": (SDN + row(b"A" * 513), 2, "name: expected at most 512 characters"),
}


@pytest.mark.parametrize("load", [by_service, by_gateway])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_row_is_refused_with_its_line(load, kind: str, tmp_path: Path) -> None:
    content, line, expected = REFUSED[kind]
    write(tmp_path, content + END)
    found = load(tmp_path)
    assert isinstance(found, str)
    assert found.startswith(f"{tmp_path / 'sdn.csv'}, line {line}: {expected}")


@pytest.mark.parametrize("load", [by_service, by_gateway])
def test_an_alias_of_nobody_is_refused_with_its_line(load, tmp_path: Path) -> None:
    write(tmp_path, SDN + END, ALT + b"\r\n" + ALT.replace(b"36,", b"37,") + END)
    expected = f"{tmp_path / 'alt.csv'}, line 3: expected an entity of sdn.csv"
    assert load(tmp_path) == expected


@pytest.mark.parametrize("load", [by_service, by_gateway])
def test_files_are_found_in_upper_case_as_published(load, tmp_path: Path) -> None:
    (tmp_path / "SDN.CSV").write_bytes(SDN + END)
    (tmp_path / "Alt.csv").write_bytes(ALT + END)
    assert load(tmp_path) == [("36", 'ANGLO, "LTD"'), ("36", "ANGLO")]


@pytest.mark.parametrize("load", [by_service, by_gateway])
def test_two_files_of_one_name_are_refused(load, tmp_path: Path) -> None:
    write(tmp_path, SDN + END)
    (tmp_path / "SDN.CSV").write_bytes(SDN + END)
    if len(list(tmp_path.glob("*.csv"))) + len(list(tmp_path.glob("*.CSV"))) < 3:
        pytest.skip("this file system knows no upper case")
    assert load(tmp_path) == f"{tmp_path}: expected one sdn.csv"


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.sampled_from(',"\r\n\x0b\x0c\x1a\x1c\x85\u2028\u2029\ufeff é'),
    min_size=1,
    max_size=20,
).filter(lambda name: name != "-0- ")


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """A file, and the names that were written to it."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5))
    content = draw(st.sampled_from(["", "\ufeff"]))
    for name in names:
        needs_quotes = set(name) & set(',"\r\n')
        quoted = '"' + name.replace('"', '""') + '"'
        content += "36," + (quoted if needs_quotes or draw(st.booleans()) else name)
        content += ",-0- " * 10
        content += draw(st.sampled_from(["\r\n", "\n", "\r", "\r\n\r\n", "\n\n\r\r"]))
    return content.encode() + END, names


@PROPERTY
@given(file=written())
def test_any_names_are_read_as_they_were_written(file: tuple[bytes, list[str]]) -> None:
    content, names = file
    with TemporaryDirectory() as directory:
        write(Path(directory), content)
        expected = [("36", name) for name in names]
        assert by_service(Path(directory)) == expected
        assert by_gateway(Path(directory)) == expected


BYTES = st.lists(
    st.sampled_from(
        [b'"', b",", b"\r", b"\n", b"\0", b"\xff", END, b"\xef\xbb\xbf", b"-0- ", b"A"]
    ),
    min_size=1,
    max_size=4,
).map(b"".join)


@PROPERTY
@given(file=written(), more=BYTES, where=st.floats(0, 1), gone=st.integers(0, 3))
def test_any_damage_has_the_same_effect_on_both(file, more: bytes, where: float, gone: int) -> None:
    content, _ = file
    place = int(where * (len(content) - 1))
    with TemporaryDirectory() as directory:
        write(Path(directory), content[:place] + more + content[place + gone :])
        assert by_gateway(Path(directory)) == by_service(Path(directory))


def test_what_cannot_be_seen_in_the_list_hides_no_name(start: Start, tmp_path: Path) -> None:
    hidden = "CEC\u200bO\u00adEX,\u00a0S\ufeff.A."
    write(tmp_path, row(b'"' + hidden.encode() + b'"') + END)
    with start(Sqlite(tmp_path / "x.db"), watchlist=str(tmp_path)) as api:
        result = api.post("/v1/matches", json={"names": ["Cecoex SA"]}).json()["results"][0]
    expected = {"row": 0, "uid": "36", "name": hidden, "normalized": "cecoex sa", "score": 1}
    assert result["hits"] == [expected]
