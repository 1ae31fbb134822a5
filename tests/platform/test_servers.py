from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from service.servers import Server as Name
from tests.platform.running import TOY, add, serving
from tests.servers import wait_until


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", list(Name))
def test_each_server_serves_and_stops_with_all_it_started(
    tmp_path: Path, name: Name, workers: str
) -> None:
    with serving(
        tmp_path / "log",
        *("--server", name, "--workers", workers),
        engine="plain",
        offload="process",
        processes="1",
        bench_routes="true",
        bench_rung="compiled",
    ) as server:
        added = add(server, 1, 2)
        assert (added.status_code, added.json()) == (200, {"total": 3})
        assert added.headers["X-Offload"] == "process"
        for path in ("/bench/json", "/bench/plaintext"):
            response = server.client.get(path)
            counts = Counter(key.lower() for key, _ in response.headers.raw)
            assert response.status_code == 200
            assert response.headers["Server"] == "hotpath"
            assert response.headers["Date"].endswith(" GMT")
            assert max(counts.values()) == 1
        wrong = add(server, wait_s=-1)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_argument")
        family = server.family()
        assert len(server.children("spawn_main")) >= int(workers)  # of the pools, at least
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0, server.log.read_text()
        wait_until(lambda: not any(map(is_alive, family)), f"the end of {family}")


@pytest.mark.parametrize("name", [Name.granian, Name.hypercorn])
def test_no_process_outlives_a_server_that_was_killed(tmp_path: Path, name: Name) -> None:
    options = ("--server", name, "--workers", "2")
    with serving(tmp_path / "log", *options, offload="process", processes="1") as server:
        family = server.family()
        server.process.kill()
        server.process.wait(60)
        wait_until(lambda: not any(map(is_alive, family)), f"the end of {family}")


def test_a_server_that_is_not_installed_is_named_with_what_to_install(tmp_path: Path) -> None:
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['granian'] = None\n"
            "from service.cli import app; app(['serve', '--server', 'granian'])",
        ],
        capture_output=True,
        text=True,
        env={"HOTPATH_DOMAIN": TOY, "HOTPATH_DATABASE_URL": f"sqlite:///{tmp_path}/db"},
        check=False,
    )
    assert found.returncode == 2
    assert "error: server 'granian' is not installed; run: pip install 'hotpath[granian]'" in (
        found.stderr
    )
    assert "Traceback" not in found.stderr
