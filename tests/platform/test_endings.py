"""SIGTERM: nobody who asked is cut off, whatever the server and however many its workers."""

from __future__ import annotations

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest

from service.servers import Server as Name
from tests.chaos.endings import REQUEST, terminate
from tests.load import Load
from tests.platform.running import add, serving
from tests.platform.toy.gate import Gate
from tests.raw import HEAD, connected, one, send
from tests.servers import Server, client_of, wait_until


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_nobody_is_cut_off_under_load(tmp_path: Path, name: Name, workers: int) -> None:
    outcome = terminate(tmp_path, 2, name, workers)
    assert not outcome.wrong, outcome
    assert outcome.seen["200"] > 100


@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_in_the_pause_all_is_served_and_no_connection_is_kept(tmp_path: Path, name: Name) -> None:
    with serving(tmp_path / "log", "--server", name, shutdown_pause_s="5") as server:
        assert "connection" not in add(server, 1).headers
        server.process.send_signal(signal.SIGTERM)
        wait_until(
            lambda: server.client.get("/health/ready").status_code == 503, "the end of readiness"
        )
        answer = add(server, 1, 2)
        assert (answer.status_code, answer.json()) == (200, {"total": 3})
        assert answer.headers["connection"] == "close"
        assert server.client.get("/health/live").status_code == 200
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_what_cannot_finish_in_time_is_told_so(tmp_path: Path, name: Name, workers: str) -> None:
    gate = Gate(tmp_path)
    with (
        serving(
            tmp_path / "log",
            *("--server", name, "--workers", workers),
            shutdown_grace_s="2",
            request_timeout_s="60",
            offload="thread",
        ) as server,
        ThreadPoolExecutor() as pool,
    ):
        waiting = pool.submit(add, server, 1, gate=gate.path)
        wait_until(lambda: gate.waiting == 1, "the call", server.log)
        server.process.send_signal(signal.SIGTERM)
        answer = waiting.result()
        assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
        assert answer.headers["retry-after"] == "1"
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_a_second_signal_ends_at_once(tmp_path: Path, name: Name, workers: str) -> None:
    gate = Gate(tmp_path)
    with (
        serving(
            tmp_path / "log",
            *("--server", name, "--workers", workers),
            shutdown_pause_s="300",
            offload="thread",
        ) as server,
        ThreadPoolExecutor() as pool,
    ):
        waiting = pool.submit(add, server, 1, gate=gate.path)
        wait_until(lambda: gate.waiting == 1, "the call", server.log)
        family = server.family()
        server.process.send_signal(signal.SIGTERM)
        with client_of(server.port) as client:
            wait_until(
                lambda: client.get("/health/ready").status_code == 503, "the end of readiness"
            )
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == -signal.SIGTERM
        psutil.wait_procs(family, 60)
        assert not [one for one in family if one.is_running() and one.status() != "zombie"]
        assert waiting.exception()


def test_workers_are_replaced_one_by_one_and_no_request_is_lost(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--workers", "2", engine="plain", offload="thread") as server:
        load = Load(server.port, REQUEST)
        before = set(workers_of(server))
        with load.running():
            wait_until(partial(load.answered, 50), "answers", server.log)
            server.process.send_signal(signal.SIGHUP)
            wait_until(
                lambda: len(workers_of(server)) == 2 and before.isdisjoint(workers_of(server)),
                "other workers",
                server.log,
            )
            wait_until(partial(load.answered, load.counts["200"] + 50), "answers", server.log)
        assert not load.lost
        assert not load.counts["refused"]


def workers_of(server: Server) -> list[int]:
    return [process.pid for process in server.children("spawn_main")]


def test_a_connection_that_says_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "log", shutdown_grace_s="50") as server,
        connected(server.port) as silent,
        connected(server.port) as late,
        connected(server.port) as kept,
    ):
        send(kept, [HEAD + b"\r\n"])
        assert one(kept).status == 200
        send(late, [HEAD])
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert one(late).json()["code"] == "stopping"
        assert server.process.wait(60) == 0
        assert time.monotonic() - started < 40  # of 50
        assert silent.recv(1) == kept.recv(1) == b""


def test_the_log_of_an_end_has_no_error(tmp_path: Path) -> None:
    """The log of an end is short, and no traceback is in it."""
    with serving(tmp_path / "log") as server:
        add(server, 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    assert not re.search(r"Traceback|ERROR", (tmp_path / "log").read_text())
