"""What README tells its reader to type does what README says."""

from __future__ import annotations

import json
import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

from tests.command_line import hotpath
from tests.servers import serving

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\| (`hotpath .+) \| ", README, re.M)


def test_the_table_of_commands_is_found() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("row", COMMANDS)
def test_each_command_of_the_table_is_there_with_its_options(row: str) -> None:
    shown, *others = (span.split() for span in re.findall(r"`([^`]+)`", row))
    command = list(takewhile(re.compile("[a-z][a-z-]*").fullmatch, shown[1:]))
    commands = [command, *([*command[:-1], other] for (other,) in others)]
    helped = b"".join(hotpath(*each, "--help", COLUMNS="200").stdout for each in commands)
    for option in re.findall("--[a-z-]+", row):
        assert option.encode() in helped


def test_its_request_is_answered_with_what_it_looks_for(tmp_path: Path) -> None:
    """By a server with the settings that it has by itself, but for the port."""
    command = re.search(r"make serve\n(curl .+?)\n```", README, re.S)
    assert command is not None
    curl, _, url, _, header, _, body = shlex.split(command[1].replace("\\\n", " "))
    assert curl == "curl"
    name, _, value = header.partition(": ")
    with serving(tmp_path / "log") as server:
        path = url.removeprefix("http://127.0.0.1:8000")
        found = server.client.post(path, content=body, headers={name: value})
    assert found.status_code == 200
    (match,) = found.json()["results"]
    assert match["name"] == json.loads(body)["names"][0]
    assert match["hits"][0]["name"] == "ZIA LOGISTICS GMBH"
