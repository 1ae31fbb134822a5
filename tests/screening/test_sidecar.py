"""The whole service with its real sidecar: what happens when that dies or stalls, and that
nothing of it is left behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from hotpath_go import sidecar_path

from service.offload.remote.channel import connect
from service.offload.remote.sidecar import start
from service.packed import Blobs, CodePoints
from service.screening.contract.index import NameIndex
from service.screening.engines import ENGINES
from service.servers import Server as Name
from tests.command_line import hotpath
from tests.screening.matching import match
from tests.servers import Server, free_port, serving, wait_until

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


def many(
    pool: ThreadPoolExecutor, server: Server, names: Sequence[str]
) -> list[Future[httpx2.Response]]:
    return [pool.submit(match, server, name) for name in names]


NAMES = [f"name {number}" for number in range(48)]


@pytest.mark.parametrize("coalesce", ["true", "false"])
def test_concurrent_requests_are_answered_as_one_by_one(tmp_path: Path, coalesce: str) -> None:
    settings = {"engine": SPEC.name, "sidecar_coalesce": coalesce}
    with serving(tmp_path / "log", **settings) as server, ThreadPoolExecutor(16) as pool:
        expected = [match(server, name, cutoff=0.5).json() for name in NAMES[:8]]
        calls = [pool.submit(match, server, name, cutoff=0.5) for name in NAMES[:8] * 8]
        assert [call.result().json() for call in calls] == expected * 8
        assert len({str(answer) for answer in expected}) == 8  # so that they can be told apart


def test_requests_under_way_when_the_sidecar_dies_are_told_and_the_next_are_served(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "log", engine=SPEC.name) as server, ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            (sidecar,) = server.children(SIDECAR)
            sidecar.suspend()  # so that calls are under way
            calls = many(pool, server, NAMES[:16])
            sidecar.kill()
            statuses = Counter(call.result().status_code for call in calls)
            assert set(statuses) <= {200, 503}
            wait_until(lambda: match(server, "someone").status_code == 200, "an answer")
        assert {call.result().status_code for call in many(pool, server, NAMES)} == {200}


def test_all_requests_under_way_end_in_time_when_the_sidecar_stops(tmp_path: Path) -> None:
    settings = {"engine": SPEC.name, "request_timeout_s": "1"}
    with serving(tmp_path / "log", **settings) as server, ThreadPoolExecutor(16) as pool:
        (sidecar,) = server.children(SIDECAR)
        sidecar.suspend()
        try:
            answers = [call.result() for call in many(pool, server, NAMES[:16])]
            assert {answer.json()["code"] for answer in answers} == {"deadline_exceeded"}
        finally:
            sidecar.resume()
        wait_until(lambda: match(server, "someone").status_code == 200, "recovery")
        assert {call.result().status_code for call in many(pool, server, NAMES)} == {200}


def test_one_call_of_a_turn_that_needs_the_index_loads_it_alone() -> None:
    """The others of its batch are answered meanwhile."""
    names = ["JANE DOE", "JOHN SMITH"]
    index = NameIndex.build(names)
    records = [b"a" * size for size in range(8)]
    engine: Any = SPEC.load()

    async def test(address: str) -> list[Any]:
        channel = connect(address)
        try:
            calls = [engine.seal(channel, 30.0, Blobs.pack([record])) for record in records]
            query = CodePoints.pack(["JOHN SMITH"])
            screened = engine.screen(channel, 30.0, query, index, 0.9, 1)
            answers = await asyncio.gather(*calls, screened)
            assert channel.batches
            assert channel.batches.travelled.by_size[8] == 1
            return answers
        finally:
            await channel.close()

    sidecar = start(SPEC, 1)
    try:
        *sealed, ((rows, scores), _) = asyncio.run(test(sidecar.address))
    finally:
        sidecar.stop()
    # RFC 9162: a tree of one record is its leaf's hash.
    assert [root for root, _ in sealed] == [hashlib.sha256(b"\0" + r).digest() for r in records]
    assert (rows.tolist(), scores.tolist()) == ([[1]], [[1.0]])


def test_a_sidecar_on_tcp_serves(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [SPEC.sidecar_path(), "-listen", f"tcp:{address}", "-exit-on-stdin-close"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sidecar:
        assert sidecar.stdout
        assert sidecar.stdout.readline()
        settings = {"engine": SPEC.name, "sidecar_address": address}
        with serving(tmp_path / "log", **settings) as server, ThreadPoolExecutor(16) as pool:
            assert {call.result().status_code for call in many(pool, server, NAMES)} == {200}
            assert not server.children(SIDECAR)


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


def test_a_proxy_of_the_environment_is_not_asked_for_the_sidecar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [str(sidecar_path()), "-listen", "tcp:127.0.0.1:0", "-exit-on-stdin-close"]
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sidecar,
    ):
        assert sidecar.stdin
        assert sidecar.stdout
        for name in ("grpc_proxy", "http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        address = json.loads(sidecar.stdout.readline())["address"].removeprefix("tcp:")
        with serving(tmp_path / "log", engine=SPEC.name, sidecar_address=address) as server:
            assert match(server, "someone").headers["X-Engine"] == SPEC.name
        sidecar.stdin.close()


def test_a_start_without_its_sidecar_says_what_it_waits_for_and_ends(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = hotpath(
        *("serve", "--port", str(free_port())),
        expect=1,
        HOTPATH_ENGINE=SPEC.name,
        HOTPATH_SIDECAR_ADDRESS=address,
        HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/db",
    )
    said = done.stderr.decode()
    assert f"waiting for the sidecar at {address}, 10.0 s at most" in said
    assert f"error: sidecar: expected one that serves at {address} within 10.0 s" in said


def test_a_request_for_an_engine_that_is_not_there_holds_up_no_other(tmp_path: Path) -> None:
    """Nothing listens at its address, so to open it takes as long as it may."""
    with serving(
        tmp_path / "log",
        allow_engine_override="true",
        sidecar_address=f"127.0.0.1:{free_port()}",
        request_timeout_s="30",
    ) as server:
        port = server.port
        body = json.dumps({"names": ["someone"]}).encode()
        head = f"Host: x\r\nX-Engine: {SPEC.name}\r\nContent-Type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=60) as waiting:
            waiting.sendall(
                f"POST /v1/matches HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            wait_until(lambda: "waiting for the sidecar" in server.log.read_text(), "the wait")
            assert match(server, "someone", engine="python").status_code == 200
            waiting.settimeout(0.01)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            waiting.settimeout(60)
            assert waiting.recv(1000).startswith(b"HTTP/1.1 503 ")


def test_another_engine_answers_only_where_the_settings_say_so(tmp_path: Path) -> None:
    """Under load, while the sidecar is killed again and again."""
    settings = {"engine": SPEC.name, "sidecar_on_failure": "python"}
    with serving(tmp_path / "log", **settings) as server, ThreadPoolExecutor(8) as pool:
        expected = match(server, "someone").json()
        engines: Counter[tuple[str, str | None]] = Counter()
        for _ in range(5):
            (sidecar,) = server.children(SIDECAR)
            sidecar.suspend()  # so that calls are under way
            calls = many(pool, server, ["someone"] * 16)
            sidecar.kill()
            calls += many(pool, server, ["someone"] * 16)
            for call in calls:
                answer = call.result()
                assert (answer.status_code, answer.json()) == (200, expected)
                headers = answer.headers
                engines[headers["X-Engine"], headers.get("X-Engine-Instead-Of")] += 1
            wait_until(lambda: match(server, "someone").headers["X-Engine"] == SPEC.name, "it")
        assert set(engines) == {(SPEC.name, None), ("python", SPEC.name)}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rsut", "unknown engine 'rsut'"),
        (SPEC.name, f"expected fail or an engine without a sidecar, got {SPEC.name}"),
    ],
)
def test_an_alternative_that_cannot_be_one_is_refused_at_start(
    tmp_path: Path, name: str, said: str
) -> None:
    done = hotpath(
        *("serve", "--port", str(free_port())),
        expect=2,
        HOTPATH_ENGINE=SPEC.name,
        HOTPATH_SIDECAR_ON_FAILURE=name,
        HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/db",
    )
    assert said in done.stderr.decode()


def test_a_sidecar_that_stays_away_costs_no_caller_its_deadline(tmp_path: Path) -> None:
    """One of somebody else, which nobody starts again. Each gets 503, and the way to say so does
    not lead over the deadline, which is longer than the client waits."""
    address = f"127.0.0.1:{free_port()}"
    command = [SPEC.sidecar_path(), "-listen", f"tcp:{address}", "-exit-on-stdin-close"]
    settings = {"engine": SPEC.name, "sidecar_address": address, "request_timeout_s": "600"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sidecar:
        assert sidecar.stdout
        assert sidecar.stdout.readline()
        with serving(tmp_path / "log", **settings) as server, ThreadPoolExecutor(16) as pool:
            assert match(server, "someone").status_code == 200
            sidecar.kill()
            for call in many(pool, server, NAMES):
                answer = call.result()
                assert (answer.status_code, answer.json()["code"]) == (503, "engine_down")
                assert answer.headers["Retry-After"] == "1"
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as again:
                assert again.stdout
                assert again.stdout.readline()
                wait_until(lambda: match(server, "someone").status_code == 200, "recovery")
                again.kill()


def test_a_sidecar_that_dies_while_the_index_is_loaded_is_no_fault_of_ours(tmp_path: Path) -> None:
    """Each new one has to be sent the index by the first call that needs it."""
    with serving(tmp_path / "log", engine=SPEC.name) as server, ThreadPoolExecutor(8) as pool:
        statuses: Counter[int] = Counter()
        for _ in range(10):
            calls = many(pool, server, ["someone"] * 8)
            for sidecar in server.children(SIDECAR):
                sidecar.kill()
            statuses.update(call.result().status_code for call in calls)
        assert set(statuses) <= {200, 503}, server.log.read_text()
        wait_until(lambda: match(server, "someone").status_code == 200, "an answer")
