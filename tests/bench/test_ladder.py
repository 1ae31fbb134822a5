from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args

import pytest

from loadtests.bench import closed_loop, ladder, ladder_page, open_loop
from service.settings import Rung

MARKERS = "".join(
    f"<!-- {name}:begin -->\n<!-- {name}:end -->\n"
    for name in ("run", "json", "middleware", "db", "rates")
)


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Clients that leave in the middle of an answer are part of these tests."""


@contextmanager
def answering(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: object) -> None:
            pass

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, pieces: int = 1) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for n in range(pieces):
        size = -(-len(body) // pieces)
        handler.wfile.write(body[n * size : (n + 1) * size])
        handler.wfile.flush()


def test_the_closed_loop_counts_what_the_server_answered_in_time() -> None:
    answered = 0
    lock = threading.Lock()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        nonlocal answered
        with lock:
            answered += 1
        send(handler, 200, b'{"a":1}', pieces=2)

    with answering(respond) as port:
        load = closed_loop.run(port, "/", 0.0, 0.5, lambda: 0.0)
    # What is under way at the end is not counted: one request of each connection.
    assert load.requests == answered - closed_loop.CONNECTIONS
    assert 0.5 <= load.wall_s < 5


@pytest.mark.parametrize(("status", "body"), [(503, b"{}"), (404, b"")])
def test_the_closed_loop_fails_on_any_other_status(status: int, body: bytes) -> None:
    with (
        answering(lambda handler: send(handler, status, body)) as port,
        pytest.raises(closed_loop.WrongAnswer, match=str(status)),
    ):
        closed_loop.run(port, "/", 0.0, 0.2, lambda: 0.0)


def test_open_loop_latency_counts_from_when_the_request_was_due() -> None:
    """A server that answers one at a time, each after 30 ms, gets 10 requests within 50 ms: the
    last has waited for the nine before it. A closed loop would show 30 ms for each."""
    one_at_a_time = threading.Lock()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        with one_at_a_time:
            time.sleep(0.03)
        send(handler, 200, b'{"complete":true}')

    with answering(respond) as port:
        latency_us = open_loop.run(port, "/", per_second=200, seconds=0.05)
    assert len(latency_us) == 10
    assert max(latency_us) >= 10 * 30_000 - 50_000
    assert min(latency_us) >= 30_000


def test_open_loop_fails_on_partial_answers() -> None:
    respond = lambda handler: send(handler, 200, b'{"complete":false}')  # noqa: E731
    with answering(respond) as port, pytest.raises(open_loop.WrongAnswer):
        open_loop.run(port, "/", 50, 0.1)


def test_every_rung_and_server_is_measured() -> None:
    entries = ladder.contestants()
    assert {entry.rung for entry in entries if entry.rung} == set(get_args(Rung))
    assert len({entry.name for entry in entries}) == len(entries)
    json_names = {entry.name for entry in entries if "json" in entry.routes}
    assert {name.split(", ")[-1] for name in json_names} >= {"uvicorn", "granian", "hypercorn"}
    assert {name for _, name in ladder_page.GOALS} <= {entry.name for entry in entries}


def stored(path: Path, service_us: float, wobble: float = 1.0) -> None:
    """A run in which the gateway takes 10 us and everything else service_us, on a machine that is
    slower by half in every other round."""
    blocks, rates = [], []
    for number in range(1, 9):
        drift = 1.5 if number % 2 else 1.0
        for entry in ladder.contestants():
            for route in entry.routes:
                us = 10 if entry.rung is None else service_us * (wobble if number % 3 else 1)
                us *= 0.95 if entry.rung == "bare" else 1
                blocks.append(
                    {
                        "round": number,
                        "target": entry.name,
                        "route": route,
                        "requests": 1000,
                        "wall_s": 0.002 * us * drift,
                        "cpu_s": 0.001 * us * drift,
                        "generator_cpu_s": 0.001,
                    }
                )
        for name, latency_us in ((ladder.GATEWAY, 20_000), (ladder.SERVICE, 22_000)):
            slow = [10 * latency_us] * 2
            rates.append({"round": number, "target": name, "latency_us": [latency_us] * 98 + slow})
    run: dict[str, Any] = {
        "schema": ladder.SCHEMA,
        "finished_at": "2026-11-22T12:00:00+00:00",
        "machine": {"cpu": "some CPU", "cores": 2, "python": "CPython", "packages": {}},
        "commit": None,
        "settings": {"cores": 2, "connections": 64, "seconds": 8, "block_s": 0.4},
        "contestants": [
            {"name": entry.name, "routes": list(entry.routes)} for entry in ladder.contestants()
        ],
        "blocks": blocks,
        "rates": rates,
    }
    path.write_text(json.dumps(run))


def page_of(tmp_path: Path, **run: float) -> str:
    page = tmp_path / "page.md"
    page.write_text(MARKERS)
    stored(tmp_path / "run.json", **run)
    ladder_page.write(tmp_path / "run.json", page)
    return page.read_text()


def test_the_page_shows_ratios_within_rounds_and_whether_goals_are_met(tmp_path: Path) -> None:
    page = page_of(tmp_path, service_us=20.0)
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if "|" in line}
    # Drift of the machine cancels out: no spread at all.
    assert "| 0.50 | 0.50 to 0.50 |" in rows["model, uvicorn"]
    assert "at least 0.4, met |" in rows["fast-lane, uvicorn"]  # of db, the later table
    assert "at least 0.55, missed |" in page
    assert "at least 0.18, met |" in page
    assert "| 50% |" in rows["model, uvicorn"]  # of the core, by CPU time over wall time
    assert "takes 5.0% (95 % interval 5.0% to 5.0%)" in page
    assert "Goal: under 10%, met." in page


def test_the_page_shows_latency_percentiles_from_when_requests_were_due(tmp_path: Path) -> None:
    page = page_of(tmp_path, service_us=20.0)
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if "|" in line}
    assert rows["p50"].startswith("| p50 | 20.00 | 22.00 | ")
    # The ratio is taken from histograms with buckets of 1 %.
    assert float(rows["p50"].split(" | ")[3]) == pytest.approx(1.1, rel=0.01)
    assert "at most 1.05, missed |" in rows["p50"]
    assert rows["p99"].startswith("| p99 | 200.00 | 220.00 | ")
    assert float(rows["p99"].split(" | ")[3]) == pytest.approx(1.1, rel=0.01)
    assert "at most 1.3, met |" in rows["p99"]


def test_a_goal_that_the_interval_covers_is_within_the_noise(tmp_path: Path) -> None:
    page = page_of(tmp_path, service_us=16.0, wobble=1.6)
    assert "met within the noise" in page or "missed within the noise" in page
