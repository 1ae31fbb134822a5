"""What happens when something dies, is slow, or is asked too much."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from service.screening.engines import ENGINES
from tests.servers import serving, wait_until


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_sidecar_comes_back_and_serves_again(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine="go") as server:
        before = server.match("someone").json()
        for _ in range(3):
            (sidecar,) = server.children("hotpath-sidecar")
            sidecar.kill()
            wait_until(
                lambda old=sidecar: (
                    [c.pid for c in server.children("hotpath-sidecar")] not in ([], [old.pid])
                ),
                "another sidecar",
            )
            wait_until(lambda: server.match("someone").status_code == 200, "an answer")
            assert server.match("someone").json() == before
        assert server.client.get("/health/ready").status_code == 200


def test_a_stopped_sidecar_makes_the_service_unready_and_calls_end_in_time(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine="go", request_timeout_s="1") as server:
        (sidecar,) = server.children("hotpath-sidecar")
        sidecar.suspend()
        try:
            response = server.match("someone")
            assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
            assert server.client.get("/health/ready").status_code == 503
            assert server.client.get("/health/live").status_code == 200
        finally:
            sidecar.resume()
        wait_until(lambda: server.match("someone").status_code == 200, "recovery")
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
        assert server.match("someone", engine="go").headers["X-Engine"] == "go"
        assert len(server.children("hotpath-sidecar")) == 1  # shared by the workers
        family = server.family()
        assert len(family) >= 3  # sidecar, pool worker, multiprocessing's resource tracker
        server.process.send_signal(how)
        code = server.process.wait(60)
        # uvicorn's workers notice a parent that was killed; give them a moment.
        wait_until(lambda: not alive(family), f"the end of {family}")
        if how == signal.SIGTERM:
            assert code == 0


def test_a_dead_pool_worker_costs_one_answer_at_most(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine="python", offload="process", processes="1") as server:
        assert server.match("someone").status_code == 200
        (worker,) = server.children("spawn_main")
        worker.kill()
        worker.wait(5)
        first = server.match("someone")
        assert first.status_code in (200, 503)
        if first.status_code == 503:
            assert first.json()["code"] == "engine_down"
            assert first.headers["Retry-After"] == "1"
        assert server.match("someone").status_code == 200


def test_too_many_calls_are_refused_at_once_and_probes_still_answer(tmp_path: Path) -> None:
    with serving(
        tmp_path / "log", engine="reference", offload="thread", threads="1", max_waiting="1"
    ) as server:
        barrier = threading.Barrier(6)

        def call(_: int) -> int:
            barrier.wait()
            response = server.match("someone")
            if response.status_code == 503:
                assert response.json()["code"] == "overloaded"
                assert response.headers["Retry-After"] == "1"
            return response.status_code

        with ThreadPoolExecutor(6) as pool:
            answers = pool.map(call, range(6))
            assert server.client.get("/health/live").status_code == 200
            assert sorted(answers) == [200, 200, 503, 503, 503, 503]
        assert server.match("someone").status_code == 200


def test_a_request_ends_at_its_deadline(tmp_path: Path) -> None:
    with serving(
        tmp_path / "log", engine="reference", offload="thread", request_timeout_s="2"
    ) as server:
        response = server.match(*["someone"] * 40)
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")


def test_choosing_an_engine_needs_permission(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine="python") as server:
        other = next(spec.name for spec in ENGINES if spec.name != "python")
        response = server.match("a", engine=other)
        assert (response.status_code, response.json()["code"]) == (403, "override_disabled")
        assert server.match("a", engine="python").status_code == 200
