"""What happens when something dies, is slow, or is asked too much."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.platform.running import add, serving
from tests.servers import Server, wait_until


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def is_refused(server: Server, **more: object) -> bool:
    """Whether the engine could not answer, and the caller was told to try again."""
    response = add(server, 1, 2, **more)
    if response.status_code == 200:
        assert response.json() == {"total": 3}
        return False
    assert (response.status_code, response.json()["code"]) == (503, "engine_down")
    assert response.headers["Retry-After"] == "1"
    return True


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_process_outlives_the_server(tmp_path: Path, how: signal.Signals, workers: str) -> None:
    with serving(
        tmp_path / "log", *("--workers", workers), offload="process", processes="1"
    ) as server:
        assert add(server, 1).status_code == 200
        family = server.family()
        assert len(family) >= 2  # pool worker, multiprocessing's resource tracker
        server.process.send_signal(how)
        code = server.process.wait(60)
        # uvicorn's workers notice a parent that was killed; give them a moment.
        wait_until(lambda: not alive(family), f"the end of {family}")
        if how == signal.SIGTERM:
            assert code == 0


def test_a_dead_pool_worker_costs_one_answer_at_most(tmp_path: Path) -> None:
    with serving(tmp_path / "log", offload="process", processes="1") as server:
        assert not is_refused(server)
        (worker,) = server.children("spawn_main")
        worker.kill()
        worker.wait(5)
        is_refused(server)  # or not: whoever noticed first
        assert not is_refused(server)


def test_a_kernel_that_ends_its_process_costs_one_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "log", offload="process", processes="1") as server:
        for _ in range(2):
            assert is_refused(server, fault="dies")
            assert not is_refused(server)
        assert server.client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("offload", ["inline", "thread", "process"])
def test_what_a_kernel_raises_is_hidden_and_the_next_call_works(
    tmp_path: Path, offload: str
) -> None:
    with serving(tmp_path / "log", offload=offload, processes="1") as server:
        for fault in ("raises", "panics"):
            response = add(server, 1, fault=fault)
            problem = response.json()
            assert (response.status_code, problem["code"]) == (500, "internal")
            assert problem["request_id"] == response.headers["X-Request-ID"]
            assert problem["request_id"] in problem["detail"]
            assert "secret" not in response.text
            assert "a secret" in server.log.read_text()  # the operators see it
            assert add(server, 1, 2).json() == {"total": 3}


@pytest.mark.parametrize("offload", ["thread", "process"])
def test_too_many_calls_are_refused_at_once_and_probes_still_answer(
    tmp_path: Path, offload: str
) -> None:
    with serving(
        tmp_path / "log", offload=offload, threads="1", processes="1", max_waiting="1"
    ) as server:
        barrier = threading.Barrier(6)

        def call(_: int) -> int:
            barrier.wait()
            start = time.monotonic()
            response = add(server, 1, wait_s=2)
            if response.status_code == 503:
                assert response.json()["code"] == "overloaded"
                assert response.headers["Retry-After"] == "1"
                assert time.monotonic() - start < 2  # it did not wait for another call
            return response.status_code

        with ThreadPoolExecutor(6) as pool:
            answers = pool.map(call, range(6))
            assert server.client.get("/health/live").status_code == 200
            assert sorted(answers) == [200, 200, 503, 503, 503, 503]
        assert add(server, 1).status_code == 200


@pytest.mark.parametrize("offload", ["thread", "process"])
def test_a_request_ends_at_its_deadline(tmp_path: Path, offload: str) -> None:
    with serving(tmp_path / "log", offload=offload, request_timeout_s="1") as server:
        start = time.monotonic()
        response = add(server, 1, wait_s=4)
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
        assert 1 <= time.monotonic() - start < 4  # it did not wait for the kernel


def test_a_call_that_was_given_up_holds_its_worker_until_it_is_done(tmp_path: Path) -> None:
    with serving(
        tmp_path / "log", offload="thread", threads="1", max_waiting="0", request_timeout_s="0.5"
    ) as server:
        assert add(server, 1, wait_s=2).status_code == 504
        response = add(server, 1)
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
        wait_until(lambda: add(server, 1).status_code == 200, "the worker")


def test_running_requests_finish_before_the_server_stops(tmp_path: Path) -> None:
    with serving(tmp_path / "log", offload="thread") as server, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(add, server, 1, 2, wait_s=4)
        time.sleep(1)  # the request is inside by then
        assert add(server, 1).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert answer.result().json() == {"total": 3}
        assert server.process.wait(60) == 0, server.log.read_text()


def test_a_call_that_does_not_end_does_not_keep_the_server(tmp_path: Path) -> None:
    with serving(
        tmp_path / "log", offload="thread", request_timeout_s="0.5", shutdown_grace_s="1"
    ) as server:
        assert add(server, 1, wait_s=60).status_code == 504
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0, server.log.read_text()
        assert "calls still run; ending without them" in server.log.read_text()


def test_choosing_an_engine_needs_permission(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine="plain") as server:
        response = add(server, 1, engine="oracle")
        assert (response.status_code, response.json()["code"]) == (403, "override_disabled")
        assert add(server, 1, engine="plain").status_code == 200
