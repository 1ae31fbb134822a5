"""SIGTERM: nobody who asked is cut off, whatever the server and however many its workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx2
import psutil
import pytest

from service.servers import Server as Name
from tests.chaos.endings import REQUEST, terminate
from tests.load import Load
from tests.platform.running import TOY, add, serving
from tests.platform.toy.gate import Gate
from tests.raw import HEAD, connected, one, send
from tests.servers import COMMANDS, Server, client_of, free_port, wait_until


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
        wait_until(partial(is_ending, server), "the end of readiness")
        answer = add(server, 1, 2)
        assert (answer.status_code, answer.json()) == (200, {"total": 3})
        assert answer.headers["connection"] == "close"
        assert server.client.get("/health/live").status_code == 200
        assert server.process.wait(60) == 0


@contextmanager
def answering(
    folder: Path, *options: str, **settings: str
) -> Iterator[tuple[Server, Future[httpx2.Response]]]:
    """A server, and a call that will not end in it by itself."""
    gate = Gate(folder)
    with (
        serving(folder / "log", *options, offload="thread", **settings) as server,
        client_of(server.port) as client,
        ThreadPoolExecutor() as pool,
    ):
        client.timeout = 900  # so that it is not the client's leaving that ends the call
        waiting = pool.submit(add, replace(server, client=client), 1, gate=gate.path)
        wait_until(lambda: gate.waiting == 1, "the call", server.log)
        yield server, waiting


def is_ending(server: Server) -> bool:
    return server.client.get("/health/ready").status_code == 503


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_what_cannot_finish_in_time_is_told_so(tmp_path: Path, name: Name, workers: str) -> None:
    options = ("--server", name, "--workers", workers)
    settings = {"shutdown_grace_s": "2", "request_timeout_s": "60"}
    with answering(tmp_path, *options, **settings) as (server, waiting):
        server.process.send_signal(signal.SIGTERM)
        answer = waiting.result()
        assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
        assert answer.headers["retry-after"] == "1"
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_a_second_signal_ends_at_once(tmp_path: Path, name: Name, workers: str) -> None:
    options = ("--server", name, "--workers", workers)
    with answering(tmp_path, *options, shutdown_pause_s="300") as (server, waiting):
        family = server.family()
        server.process.send_signal(signal.SIGTERM)
        wait_until(partial(is_ending, server), "the end of readiness")
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


def test_an_end_that_comes_while_workers_are_replaced_is_that_of_all(tmp_path: Path) -> None:
    """It waits for none of those that are being replaced, whose requests may take their time."""
    settings = dict.fromkeys(("shutdown_pause_s", "shutdown_grace_s", "request_timeout_s"), "600")
    with answering(tmp_path, "--workers", "2", **settings) as (server, waiting):
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers_of(server)) == 3, "a worker more", server.log)
        server.process.send_signal(signal.SIGTERM)
        wait_until(partial(is_ending, server), "the end of readiness")
        family = server.family()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == -signal.SIGTERM
        assert not psutil.wait_procs(family, 60)[1]
        assert waiting.exception()


@pytest.mark.parametrize("name", [Name.uvicorn, Name.granian])
def test_a_worker_that_does_not_run_does_not_hold_up_the_end(tmp_path: Path, name: Name) -> None:
    options = ("--server", name, "--workers", "2")
    with serving(tmp_path / "log", *options, shutdown_grace_s="1") as server:
        family = server.family()
        psutil.Process(workers_of(server)[0]).suspend()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert not psutil.wait_procs(family, 60)[1]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("name", "begun"), [(Name.uvicorn, "address: "), (Name.granian, "Spawning worker-{}")]
)
def test_an_end_that_comes_while_it_starts_is_an_end(
    tmp_path: Path, name: Name, begun: str, workers: int
) -> None:
    log = tmp_path / "log"
    command = [part.format(port=free_port()) for part in COMMANDS["service"]]
    settings = {"HOTPATH_DOMAIN": TOY, "HOTPATH_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}"}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "--server", name, "--workers", str(workers)],
            env=os.environ | settings,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        wait_until(lambda: begun.format(workers) in log.read_text(), "a worker's start", log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()


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
