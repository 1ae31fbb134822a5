"""The lab end to end: the real generator against small fake servers."""

from __future__ import annotations

import copy
import itertools
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from loadtests.lab import runner, session
from loadtests.lab.progress import Progress
from loadtests.lab.sections import Cell
from loadtests.lab.targets import LabError
from tests.lab import fakes

TREE = Path(__file__).parents[2]


def carried_out(directory: Path, *sections, **options):
    return session.carry_out(fakes.plan(directory, *sections, **options), Progress())


def processes_naming(path: Path) -> list[str]:
    """Command lines of live processes that mention the test's own directory."""
    lines = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(path) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            lines.append(line)
    return lines


def generators() -> set[int]:
    """Those of this run of the tests: another one beside it has its own."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        if "loadtests.lab.generator" in (process.info["cmdline"] or ()):
            with suppress(psutil.Error):  # it has just ended, or is somebody else's
                if process.environ().get("TESTED_BY") == str(os.getpid()):
                    found.add(process.pid)
    return found


def blocks_of(result, target):
    return [b for b in result["blocks"] if b["cell"].split("/")[2].startswith(target)]


def cell(target: str) -> str:
    return f"engines/matches/{target}*2"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    before = generators()
    result = carried_out(directory, fakes.section(["slow", "family"], rounds=3))
    return directory, result, generators() - before


def test_each_round_visits_each_cell_once(run):
    _, result, _ = run
    visits = sorted((block["round"], block["cell"]) for block in result["blocks"])
    cells = [cell("family"), cell("slow")]
    assert visits == [(round_, name) for round_ in (1, 2, 3) for name in cells]
    places = sorted((block["round"], block["position"]) for block in result["blocks"])
    assert places == [(round_, place) for round_ in (1, 2, 3) for place in (1, 2)]
    assert not [block["faults"] for block in result["blocks"] if block["faults"]]


def test_a_block_s_slices_alternate_with_those_of_others(run):
    _, result, _ = run
    slow, fast = (blocks_of(result, target) for target in ("slow", "family"))
    assert {block["slices"] for block in fast} == {3}  # 0.1 s each, of 0.3
    assert {block["slices"] for block in slow} == {1}  # two of its requests take longer
    for block in result["blocks"]:
        assert block["window_s"] >= 0.3
        assert block["streams"]["main"]["completed"] >= 2 * block["slices"]


def test_rate_of_a_server_of_known_speed_is_right(run):
    """0.3 s per request, one at a time: at most 3.33 requests/s, and two users' requests are
    always under way. On a busy machine answers are noticed late, at the ends of a window too."""
    _, result, _ = run
    for block in blocks_of(result, "slow"):
        stream = block["streams"]["main"]
        waits_s = [1.01**k * 1e-6 for k, count in stream["latency"] for _ in range(count)]
        late_s = max(waits_s) - 0.57
        assert 0.3 * stream["completed"] < block["window_s"] + block["slices"] * late_s
        assert min(waits_s) > 0.29
        # Little's law; what was under way at a window's ends is the doubt.
        assert abs(sum(waits_s) - 2 * block["window_s"]) < block["slices"] * max(waits_s)


def test_every_counted_request_has_its_latency_and_cpu_time(run):
    _, result, _ = run
    for block in result["blocks"]:
        stream = block["streams"]["main"]
        assert stream["completed"] == sum(count for _, count in stream["latency"])
        assert stream["taken"] > stream["completed"] >= 2
        assert block["window_s"] >= 0.3
        spent_ms = 1000 * block["usage"]["server"]["cpu_s"] / stream["completed"]
        assert 0.05 < spent_ms < 50


def test_a_child_with_another_program_is_the_sidecar(run):
    _, result, _ = run
    usage = blocks_of(result, "family")[0]["usage"]
    assert (usage["server"]["processes"], usage["sidecar"]["processes"]) == (2, 1)
    assert 0 < usage["sidecar"]["peak_memory_bytes"] < usage["server"]["peak_memory_bytes"]


def test_nothing_is_left_behind(run):
    directory, _, generators_left = run
    assert processes_naming(directory) == []
    assert not generators_left


def test_targets_say_what_ran_and_what_was_verified(run):
    _, result, _ = run
    assert result["targets"]["slow"]["verification"] == {"matches*2": 4}
    assert result["targets"]["slow"]["startup_s"] > 0
    assert result["engines"]["engines"][0]["name"] == "fake"
    sizes = {c["request_bytes"] for c in result["cells"]}
    assert sizes == {len(fakes.BODIES[0])}


def test_result_can_be_read_again(run):
    directory, result, _ = run
    assert session.read(directory)["blocks"] == result["blocks"]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A section with a wrong answer and a crash, then one with a server that does not start."""
    directory = tmp_path_factory.mktemp("faulty")
    first = fakes.section(["wrong", "crash", "sound"], rounds=2)
    later = fakes.section(["crash", "broken", "sound"], name="twins")
    result = carried_out(directory, first, later)
    assert processes_naming(directory) == []
    assert not result["complete"]
    return result


def test_one_wrong_bit_under_load_voids_the_cell_alone(faulty):
    assert "expected (row, score)" in faulty["voids"][cell("wrong")]
    assert len(blocks_of(faulty, "wrong")) == 1
    assert faulty["summary"][cell("wrong")]["throughput_rps"] is None
    assert cell("sound") not in faulty["voids"]
    assert len([b for b in faulty["blocks"] if b["cell"] == cell("sound")]) == 2
    assert faulty["summary"][cell("sound")]["throughput_rps"]["median"] > 10


def test_a_crashed_server_is_reported_with_its_log_and_voids_all_its_cells(faulty):
    for mine in (cell("crash"), "twins/matches/crash*2"):
        assert "crashed with exit code 7" in faulty["voids"][mine]
        assert "the fake server has had enough" in faulty["voids"][mine]
    assert len(blocks_of(faulty, "crash")) == 1


def test_a_server_that_does_not_start_later_voids_its_own_cells(faulty):
    assert "not installed; run: make fake" in faulty["voids"]["twins/matches/broken*2"]
    assert faulty["targets"]["broken"]["startup_s"] is None
    assert faulty["blocks"][-1]["cell"] == "twins/matches/sound*2"


def test_a_server_that_does_not_start_ends_the_run_and_the_others(tmp_path):
    with pytest.raises(LabError, match=r"not installed; run: make fake"):
        carried_out(tmp_path, fakes.section(["sound", "broken"]))
    assert processes_naming(tmp_path) == []


def test_a_wrong_answer_before_load_ends_the_run(tmp_path):
    hits = copy.deepcopy(fakes.HITS)
    hits[1][0][0][0] += 1
    with pytest.raises(LabError, match=r"failed the verification: hits of 'name 1'.*\[2, 1.0\]"):
        carried_out(tmp_path, fakes.section(["sound"]), due=hits)


def test_slow_cells_take_part_in_three_rounds(tmp_path):
    section = replace(fakes.section(["slow", "sound"], rounds=5), window_s=0.05)
    result = carried_out(tmp_path, section)
    assert len(blocks_of(result, "slow")) == 3
    assert len(blocks_of(result, "sound")) == 5


def test_cells_with_void_blocks_have_more_rounds(tmp_path, monkeypatch):
    """Of one target every other block is void, of another all."""
    turns = itertools.count()

    def void(block):
        odd = "family" in block["cell"] and next(turns) % 2 == 0
        return "by the test" if odd or "slow" in block["cell"] else None

    monkeypatch.setattr(runner, "block_void", void)
    section = replace(fakes.section(["slow", "family", "sound"], rounds=3), budget_s=0.0)
    section = replace(section, window_s=0.6, max_rounds=100)
    result = carried_out(tmp_path, section)
    assert len(blocks_of(result, "sound")) == 3
    assert len(blocks_of(result, "family")) == 6
    assert len(blocks_of(result, "slow")) == 6


def test_rounds_end_with_the_budget(tmp_path):
    section = replace(fakes.section(["sound"]), max_rounds=1000, budget_s=3)
    result = carried_out(tmp_path, section)
    assert 2 <= len(result["blocks"]) < 12


def test_load_is_set_to_levels_of_the_measured_saturation(tmp_path):
    load = fakes.section(["sound"], name="load")
    load = replace(load, levels=(0.1, 0.2))
    result = carried_out(tmp_path, fakes.section(["sound"]), load)
    (saturated,) = (b for b in result["blocks"] if b["cell"] == cell("sound"))
    full = saturated["streams"]["main"]["completed"] / saturated["window_s"]
    rates = [c["rate_rps"] for c in result["cells"] if c["section"] == "load"]
    assert rates == pytest.approx([0.1 * full, 0.2 * full], rel=0.06)
    for block in result["blocks"][1:]:
        stream = block["streams"]["main"]
        assert stream["model"] == "open"
        assert sum(count for _, count in stream["lag"]) == stream["completed"] > 0


def test_mixed_load_has_two_streams_and_the_lag_of_the_loop(tmp_path):
    alone = Cell("mixed", "mixed", "sound", users=0, io_rate_rps=40)
    both = replace(alone, users=2, items=2)
    section = replace(fakes.section([], name="mixed"), cells=(alone, both))
    result = carried_out(tmp_path, section)
    streams = {block["cell"]: block["streams"] for block in result["blocks"]}
    assert streams[alone.id].keys() == {"io"}
    assert streams[both.id].keys() == {"hot", "io"}
    assert streams[both.id]["io"]["model"] == "open"
    assert streams[both.id]["hot"]["completed"] >= 2
    assert all(block["loop_lag"] == [[460, 3], [700, 1]] for block in result["blocks"])


def test_a_run_in_the_background_of_a_script_is_not_ended_by_ctrl_c(tmp_path):
    """The shell has it ignored there, which is inherited."""
    fakes_run = [sys.executable, "-m", "tests.lab.fakes", str(tmp_path), "2", "sound"]
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *fakes_run],
        cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while "engines 1:" not in (line := process.stderr.readline()):
        assert line, "the run ended early"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert out.strip() == '{"interrupted": false, "complete": true}'


def test_ctrl_c_keeps_what_is_done_and_leaves_nothing_behind(tmp_path):
    before = generators()
    command = [sys.executable, "-m", "tests.lab.fakes", str(tmp_path), "50", "sound", "family"]
    process = subprocess.Popen(
        command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    begun = 0
    while begun < 5:  # both blocks of the first round have slices, and one at least needs more
        line = process.stderr.readline()
        assert line, "the run ended early"
        begun += "engines 1:" in line
    time.sleep(0.05)  # into a slice
    assert processes_naming(tmp_path)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert out.strip() == '{"interrupted": true, "complete": false}'
    blocks = session.read(tmp_path)["blocks"]
    assert {block["cell"] for block in blocks} == {cell("sound"), cell("family")}
    assert all(block["streams"]["main"]["completed"] for block in blocks)
    assert processes_naming(tmp_path) == []
    assert generators() <= before
