"""The lab end to end: real Locust processes against small fake servers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from loadtests.lab import session
from loadtests.lab.progress import Lines
from loadtests.lab.runner import PACKAGE
from loadtests.lab.targets import LabError
from tests.lab import fakes


def processes_naming(path: Path) -> list[str]:
    """Command lines of live processes that mention the test's own directory."""
    lines = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(path) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            lines.append(line)
    return lines


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    result = session.carry_out(fakes.plan(directory, ["slow", "family"], rounds=2), Lines())
    return directory, result


def test_each_round_visits_each_variant_once(run):
    _, result = run
    assert result["complete"]
    assert not result["voids"]
    visits = sorted((block["round"], block["variant"]) for block in result["blocks"])
    assert visits == [(1, "family"), (1, "slow"), (2, "family"), (2, "slow")]


def test_rate_of_a_server_of_known_speed_is_right(run):
    """0.3 s per request, one at a time: at most 3.33 requests/s, and each of two users
    waits for the other's request too."""
    _, result = run
    for block in result["blocks"]:
        if block["variant"] == "slow":
            rate = block["completed"] / block["window_s"]
            waits_s = [wait / 100_000 for wait, count in block["latency"] for _ in range(count)]
            assert rate < 3.7  # an answer that is noticed late shortens the window
            assert min(waits_s) > 0.59
            # Little's law: however slow this machine, two requests are under way.
            assert rate * sum(waits_s) / len(waits_s) == pytest.approx(2, rel=0.25)


def test_every_counted_request_has_its_latency_and_cpu_time(run):
    _, result = run
    for block in result["blocks"]:
        assert block["completed"] == sum(count for _, count in block["latency"])
        assert block["taken"] > block["completed"] >= 2
        assert block["window_s"] >= 0.5
    busy = result["summary"][1]["server"]["cpu_ms_per_request"]["median"]
    assert 0.05 < busy < 50


def test_a_child_with_another_program_is_the_sidecar(run):
    _, result = run
    family = result["summary"][1]
    assert (family["server"]["processes"], family["sidecar"]["processes"]) == (2, 1)
    assert family["sidecar"]["peak_memory_bytes"] < family["server"]["peak_memory_bytes"]


def test_nothing_is_left_behind(run):
    directory, _ = run
    assert processes_naming(directory) == []


def test_result_can_be_read_again(run):
    directory, result = run
    assert session.read(directory)["blocks"] == [
        block | {"latency": [list(pair) for pair in block["latency"]]} for block in result["blocks"]
    ]


def test_one_wrong_bit_under_load_voids_the_variant_alone(tmp_path):
    result = session.carry_out(fakes.plan(tmp_path, ["wrong", "sound"]), Lines())
    wrong, sound = result["summary"]
    assert not result["complete"]
    assert "expected (row, score)" in wrong["void"]
    assert wrong["throughput_rps"] is None
    assert sound["void"] is None
    assert sound["throughput_rps"]["median"] > 10


def test_a_crashed_server_is_reported_with_the_end_of_its_log(tmp_path):
    result = session.carry_out(fakes.plan(tmp_path, ["crash"], rounds=2), Lines())
    assert "crashed with exit code 7" in result["voids"]["crash"]
    assert "the fake server has had enough" in result["voids"]["crash"]
    assert processes_naming(tmp_path) == []


def test_a_server_that_does_not_start_ends_the_run_and_the_others(tmp_path):
    with pytest.raises(LabError, match="not installed; run: make fake"):
        session.carry_out(fakes.plan(tmp_path, ["sound", "broken"]), Lines())
    assert processes_naming(tmp_path) == []


def test_a_wrong_answer_before_load_ends_the_run(tmp_path):
    plan = fakes.plan(tmp_path, ["sound"])
    plan.workload.expected[1][0][0][0] += 1
    with pytest.raises(LabError, match=r"failed the verification: hits of 'name 1'.*\[2, 1.0\]"):
        session.carry_out(plan, Lines())


def test_ctrl_c_keeps_what_is_done_and_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-m", "tests.lab.fakes", str(tmp_path), "50", "sound", "family"]
    process = subprocess.Popen(
        command,
        cwd=PACKAGE.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "round 2/50" not in (line := process.stderr.readline()):
        assert line, "the run ended early"
    time.sleep(0.5)  # into a block
    assert processes_naming(tmp_path)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert out.strip() == '{"interrupted": true, "complete": false}'
    assert len(session.read(tmp_path)["blocks"]) >= 2
    assert processes_naming(tmp_path) == []


def test_plain_locust_needs_nothing_of_the_lab_and_keeps_hundredths(tmp_path):
    target = fakes.plan(tmp_path, ["sound"]).targets[0]
    target.start()
    command = [sys.executable, "-m", "locust", "-f", str(PACKAGE / "locustfile.py")]
    command += ["--headless", "-u", "1", "--host", target.url, "--tags", "matches", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as locust:
        try:
            deadline = time.monotonic() + 30
            while "100 answers" not in target.log.read_text():
                assert time.monotonic() < deadline, "no load within 30 s"
                time.sleep(0.05)
            locust.terminate()
            output, _ = locust.communicate(timeout=10)
        finally:
            locust.kill()
            target.stop()
    assert locust.returncode == 0
    (stats,) = json.loads(output)
    assert stats["num_requests"] >= 90
    assert stats["num_failures"] == 0
    times = [float(time_ms) for time_ms in stats["response_times"]]
    assert any(time_ms != round(time_ms) for time_ms in times)
    assert all(time_ms == round(time_ms, 2) for time_ms in times)
