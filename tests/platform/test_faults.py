"""What happens when something dies, is slow, or is asked too much."""

from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path

import psutil
import pytest

from tests.platform.running import add, serving
from tests.platform.toy.gate import Gate
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
        worker.wait(60)
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
    tmp_path: Path, gate: Gate, offload: str
) -> None:
    with (
        serving(
            tmp_path / "log", offload=offload, threads="1", processes="1", max_waiting="1",
            request_timeout_s="120",
        ) as server,
        ThreadPoolExecutor(6) as pool,
    ):  # fmt: skip
        calls = [pool.submit(add, server, 1, gate=gate.path) for _ in range(6)]
        try:
            refused = list(islice(as_completed(calls, 60), 4))  # while the others are inside
            for response in (call.result() for call in refused):
                assert (response.status_code, response.json()["code"]) == (503, "overloaded")
                assert response.headers["Retry-After"] == "1"
            assert server.client.get("/health/live").status_code == 200
        finally:
            gate.open()
        answers = [call.result() for call in calls if call not in refused]
        assert [response.status_code for response in answers] == [200, 200]
        assert add(server, 1).status_code == 200


@pytest.mark.parametrize("offload", ["thread", "process"])
def test_a_request_ends_at_its_deadline(tmp_path: Path, gate: Gate, offload: str) -> None:
    with serving(tmp_path / "log", offload=offload, processes="1", request_timeout_s="1") as server:
        start = time.monotonic()
        response = add(server, 1, gate=gate.path)  # the kernel does not end before the test does
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
        assert time.monotonic() - start >= 1
        gate.open()


def test_a_call_that_was_given_up_holds_its_worker_until_it_is_done(
    tmp_path: Path, gate: Gate
) -> None:
    with serving(
        tmp_path / "log", offload="thread", threads="1", max_waiting="0", request_timeout_s="1"
    ) as server:
        assert add(server, 1, gate=gate.path).status_code == 504
        response = add(server, 1)
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
        gate.open()
        wait_until(lambda: add(server, 1).status_code == 200, "the worker")


def test_running_requests_finish_before_the_server_stops(tmp_path: Path, gate: Gate) -> None:
    with (
        serving(
            tmp_path / "log", offload="thread", request_timeout_s="120", shutdown_grace_s="120"
        ) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(add, server, 1, 2, gate=gate.path)
        try:
            wait_until(lambda: gate.waiting == 1, "the request to be inside")
            assert add(server, 1).status_code == 200
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: is_closed(server), "the server to take no more requests")
            assert not answer.done()
        finally:
            gate.open()
        assert answer.result().json() == {"total": 3}
        assert server.process.wait(60) == 0, server.log.read_text()


def is_closed(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_call_that_does_not_end_does_not_keep_the_server(tmp_path: Path, gate: Gate) -> None:
    with serving(
        tmp_path / "log", offload="thread", request_timeout_s="1", shutdown_grace_s="1"
    ) as server:
        assert add(server, 1, gate=gate.path).status_code == 504
        assert not gate.is_open
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0, server.log.read_text()
        assert "calls still run; ending without them" in server.log.read_text()


def test_choosing_an_engine_needs_permission(tmp_path: Path) -> None:
    with serving(tmp_path / "log", engine="plain") as server:
        response = add(server, 1, engine="oracle")
        assert (response.status_code, response.json()["code"]) == (403, "override_disabled")
        assert add(server, 1, engine="plain").status_code == 200
