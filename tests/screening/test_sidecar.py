"""The whole service with its real sidecar: what happens when that dies or stalls, and that
nothing of it is left behind."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from service.screening.engines import ENGINES
from service.servers import Server as Name
from tests.screening.matching import match
from tests.servers import serving, wait_until

(SPEC,) = [spec for spec in ENGINES if spec.sidecar]
SIDECAR = "hotpath-sidecar"


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_sidecar_comes_back_and_serves_again(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine=SPEC.name) as server:
        before = match(server, "someone").json()
        for _ in range(3):
            (sidecar,) = server.children(SIDECAR)
            sidecar.kill()
            wait_until(
                lambda old=sidecar: (
                    [c.pid for c in server.children(SIDECAR)] not in ([], [old.pid])
                ),
                "another sidecar",
            )
            wait_until(lambda: match(server, "someone").status_code == 200, "an answer")
            assert match(server, "someone").json() == before
        assert server.client.get("/health/ready").status_code == 200


def test_a_stopped_sidecar_makes_the_service_unready_and_calls_end_in_time(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine=SPEC.name, request_timeout_s="1") as server:
        (sidecar,) = server.children(SIDECAR)
        sidecar.suspend()
        try:
            response = match(server, "someone")
            assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
            assert server.client.get("/health/ready").status_code == 503
            assert server.client.get("/health/live").status_code == 200
        finally:
            sidecar.resume()
        wait_until(lambda: match(server, "someone").status_code == 200, "recovery")
        assert server.client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_process_outlives_the_server(tmp_path: Path, how: signal.Signals, workers: str) -> None:
    with serving(
        tmp_path / "log",
        *("--workers", workers),
        engine="python",
        offload="process",
        processes="1",
        allow_engine_override="true",
    ) as server:
        assert match(server, "someone", engine=SPEC.name).headers["X-Engine"] == SPEC.name
        assert len(server.children(SIDECAR)) == 1  # shared by the workers
        family = server.family()
        assert len(family) >= 3  # sidecar, pool worker, multiprocessing's resource tracker
        server.process.send_signal(how)
        code = server.process.wait(60)
        # uvicorn's workers notice a parent that was killed; give them a moment.
        wait_until(lambda: not alive(family), f"the end of {family}")
        if how == signal.SIGTERM:
            assert code == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", list(Name))
def test_each_server_serves_and_stops_with_its_sidecar(
    tmp_path: Path, name: Name, workers: str
) -> None:
    options = ("--server", name, "--workers", workers)
    with serving(tmp_path / "log", *options, engine=SPEC.name) as server:
        matched = match(server, "someone")
        assert (matched.status_code, matched.headers["X-Engine"]) == (200, SPEC.name)
        wrong = match(server, "someone", cutoff=2)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_argument")
        family = server.family()
        assert len(server.children(SIDECAR)) == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0, server.log.read_text()
        wait_until(lambda: not alive(family), f"the end of {family}")


@pytest.mark.parametrize("name", [Name.granian, Name.hypercorn])
def test_no_process_outlives_a_server_that_was_killed(tmp_path: Path, name: Name) -> None:
    options = ("--server", name, "--workers", "2")
    with serving(tmp_path / "log", *options, engine=SPEC.name) as server:
        family = server.family()
        server.process.kill()
        server.process.wait(60)
        wait_until(lambda: not alive(family), f"the end of {family}")
