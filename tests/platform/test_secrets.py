"""What holds a password is shown nowhere, and may come from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service import startup
from service.errors import ServiceError
from service.settings import Settings
from tests.databases import Sqlite
from tests.platform.running import hotpath, serving
from tests.platform.toy import DOMAIN
from tests.schemas import tables
from tests.servers import free_port

SECRET = "hunter2"  # noqa: S105  # to be looked for
UPSTREAM = f"a=http://u:{SECRET}@rates.test/?key={SECRET}"


def test_no_form_of_the_settings_shows_a_secret() -> None:
    settings = Settings(
        database_url=f"postgresql://u:{SECRET}@h/d",
        upstreams=UPSTREAM,
        upstream_hosts="rates.test",
    )
    dumped = json.dumps(settings.model_dump(mode="json"))
    for shown in (repr(settings), str(settings), dumped, settings.model_dump_json()):
        assert SECRET not in shown
    assert settings.database_url.get_secret_value().count(SECRET) == 1
    assert settings.upstreams["a"].get_secret_value() == UPSTREAM.removeprefix("a=")


@pytest.mark.parametrize(
    "setting",
    [
        {"upstreams": UPSTREAM},
        {"upstreams": f"a=ftp://u:{SECRET}@rates.test/"},
        {"upstreams": f"a=http://u:{SECRET}@rates.test:port/"},
        {"upstreams": f"A=http://u:{SECRET}@rates.test/"},
        {"database_url": f"mysql://u:{SECRET}@h/d"},
    ],
)
def test_settings_are_refused_without_their_secrets(setting: dict[str, str]) -> None:
    with pytest.raises(ServiceError) as refused:
        startup.settings_from(DOMAIN, **setting)
    chain = (refused.value, refused.value.__cause__, None)
    assert all(SECRET not in f"{error}{error!r}" for error in chain)
    assert next(iter(setting)) in str(refused.value)
    name = f"HOTPATH_{next(iter(setting)).upper()}"
    done = hotpath(
        *("serve", "--port", str(free_port())), expect=2, **{name: next(iter(setting.values()))}
    )
    assert SECRET.encode() not in done.stderr


def test_a_setting_may_be_in_a_file(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "é.db")
    (tmp_path / "url").write_text(f"{database.url}\n", encoding="utf-8")
    (tmp_path / "engine").write_text("oracle", encoding="utf-8")
    files = {
        "HOTPATH_DATABASE_URL_FILE": str(tmp_path / "url"),
        "HOTPATH_ENGINE_FILE": str(tmp_path / "engine"),
    }
    hotpath("db", "upgrade", **files)
    assert "things" in tables(database)


def test_the_server_reads_files_too(tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("oracle\n", encoding="utf-8")
    with serving(
        tmp_path / "log", "--workers", "2", engine_file=str(tmp_path / "engine")
    ) as server:
        answer = server.client.post("/v1/sums", json={"numbers": [1]})
        assert answer.headers["X-Engine"].startswith("oracle")


def test_files_of_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "url").write_text(f"mysql://{SECRET}", encoding="utf-8")
    for variables, words in (
        ({"HOTPATH_ENGINE_FILE": "/nowhere"}, "HOTPATH_ENGINE_FILE: expected a readable file"),
        ({"HOTPATH_ENGINE_FILE": str(tmp_path)}, "Is a directory"),
        ({"HOTPATH_ENGINE_FILE": str(tmp_path / "binary")}, "expected a file in UTF-8"),
        ({"HOTPATH_ENGINE_FILE": "/x", "HOTPATH_ENGINE": "plain"}, "got both"),
        ({"HOTPATH_DATABASE_URL_FILE": str(tmp_path / "url")}, "database_url: expected sqlite"),
    ):
        done = hotpath("serve", "--port", str(free_port()), expect=2, **variables)
        assert words in done.stderr.decode()
        assert SECRET.encode() not in done.stderr
