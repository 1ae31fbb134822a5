"""The sample's own options of `hotpath lab run`."""

from __future__ import annotations

from typer.testing import CliRunner

from loadtests.lab.cli import app


def test_a_list_that_is_not_there_is_refused_before_anything_starts(tmp_path):
    found = CliRunner().invoke(
        app, ["run", "--watchlist", "/nowhere", "--out", str(tmp_path / "out")]
    )
    assert found.exit_code == 2
    assert "sdn.csv" in found.stderr
    assert not (tmp_path / "out").exists()
