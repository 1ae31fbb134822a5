"""Slices of a block, added up by hand."""

from loadtests.lab.slices import together


def figures(**changed):
    stream = {
        "model": "closed", "rate_rps": None, "taken": 5, "completed": 3,
        "latency": [[7, 2], [9, 1]], "raw_latency": [[7, 2], [9, 1]], "lag": [],
        "max_in_flight": 2, "gave_up": 0,
    }  # fmt: skip
    usage = {"processes": 2, "cpu_s": 0.25, "peak_memory_bytes": 100}
    return {
        "window_s": 0.5, "streams": {"main": stream}, "usage": {"server": usage, "sidecar": usage},
        "generator_cpu_s": 0.125, "generator_waited_s": 0.0, "generator_real_time": True,
        "faults": [],
    } | changed  # fmt: skip


def test_counts_times_and_histograms_add_up_and_peaks_do_not():
    other = figures(generator_waited_s=0.5, generator_real_time=False, window_s=0.75)
    other["streams"] = {
        "main": other["streams"]["main"]
        | {"latency": [[9, 4]], "completed": 4, "max_in_flight": 3, "gave_up": 1}
    }
    more = {"processes": 1, "cpu_s": 0.5, "peak_memory_bytes": 300}
    other["usage"] = {"server": more, "sidecar": more}
    both = together([figures(), other])
    assert both["streams"]["main"] == {
        "model": "closed", "rate_rps": None, "taken": 10, "completed": 7,
        "latency": [[7, 2], [9, 5]], "raw_latency": [[7, 4], [9, 2]], "lag": [],
        "max_in_flight": 3, "gave_up": 1,
    }  # fmt: skip
    assert both["usage"]["server"] == {"processes": 2, "cpu_s": 0.75, "peak_memory_bytes": 300}
    assert (both["window_s"], both["generator_cpu_s"]) == (1.25, 0.25)
    assert (both["generator_waited_s"], both["generator_real_time"]) == (0.5, False)


def test_what_one_slice_does_not_know_the_block_does_not():
    silent = figures(usage=None, generator_waited_s=None, faults=["no answer"])
    both = together([figures(), silent])
    assert both["usage"] is None
    assert both["generator_waited_s"] is None
    assert both["faults"] == ["no answer"]
