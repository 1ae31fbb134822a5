from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from service.servers import Server as Name
from tests.platform.running import TOY, add, hotpath, serving
from tests.raw import is_live
from tests.servers import COMMANDS, free_port, wait_until

# The toy, whose application cannot be made, or cannot be started: its job fails in its rehearsal.
BROKEN = """
from dataclasses import replace
from tests.platform.toy import DOMAIN as TOY
from tests.platform.toy.sums import SUM
JOB = replace(SUM, rehearsal=([1], "raises", 0))
UNMADE = replace(TOY, routers=("no_such_module:router",))
UNSTARTED = replace(TOY, jobs=("broken:JOB",))
"""


SERVE = COMMANDS["service"][:4]


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


@pytest.mark.parametrize(
    ("domain", "workers"),
    [("broken:UNSTARTED", "1"), ("broken:UNSTARTED", "2"), ("broken:UNMADE", "2")],
)
@pytest.mark.parametrize("name", list(Name))
def test_a_start_that_fails_ends_with_1_and_says_so(
    tmp_path: Path, name: Name, workers: str, domain: str
) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    done = subprocess.run(
        [*SERVE, *("--server", name, "--workers", workers, "--port", str(free_port()))],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "PYTHONPATH": str(tmp_path),
            "HOTPATH_DOMAIN": domain,
            "HOTPATH_DATABASE_URL": f"sqlite:///{tmp_path}/db",
        },
        check=False,
        timeout=200,
    )
    assert done.returncode == 1, done.stderr
    assert "cannot start: " in done.stderr
    assert done.stderr.endswith(
        f"error: {name}: the start or a worker failed; the lines above say why\n"
    )


@pytest.mark.parametrize(
    ("first", "second", "workers"),
    [
        *((name, name, "2") for name in Name),
        (Name.granian, Name.granian, "1"),
        (Name.granian, Name.uvicorn, "1"),
        (Name.uvicorn, Name.granian, "1"),
    ],
)
def test_a_port_that_is_taken_is_refused(
    tmp_path: Path, first: Name, second: Name, workers: str
) -> None:
    with serving(tmp_path / "log", "--server", first, "--workers", workers) as server:
        port = str(server.port)
        done = hotpath(
            *("serve", "--server", second, "--workers", workers, "--port", port),
            expect=2,
            HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/hotpath.db",
        )
        assert done.stderr.decode().splitlines()[-1] == (
            "error: host, port: expected an address that can be listened at, "
            f"got 127.0.0.1 and {port}: Address already in use"
        )
        assert server.client.get("/health/ready").status_code == 200


def test_a_host_that_is_not_of_this_machine_is_refused(tmp_path: Path) -> None:
    for host in ("192.0.2.1", "no such host"):
        done = hotpath(
            *("serve", "--host", host, "--port", str(free_port())),
            expect=2,
            HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/hotpath.db",
        )
        assert f"an address that can be listened at, got {host} and" in done.stderr.decode()


@pytest.mark.parametrize("name", list(Name))
def test_an_address_of_ipv6_is_served(tmp_path: Path, name: Name) -> None:
    log = tmp_path / "log"
    port = free_port()
    settings = {"HOTPATH_DOMAIN": TOY, "HOTPATH_DATABASE_URL": f"sqlite:///{tmp_path}/db"}
    command = [*SERVE, "--server", name, "--host", "::1", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=os.environ | settings, stderr=output)
    try:
        wait_until(lambda: is_live(port, "::1"), "an answer", log)
        assert f"address: http://[::1]:{port}" in log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
