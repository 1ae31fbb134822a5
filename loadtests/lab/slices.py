"""A block's raw figures, of slices between which other targets had theirs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.lab.histogram import Histogram

Figures = Mapping[str, Any]
HISTOGRAMS = ("latency", "raw_latency", "lag")
SUMS = ("taken", "completed", "gave_up")


def joined(one: Figures, other: Figures) -> dict[str, Any]:
    """Both slices' figures as those of one block. See schema.md."""
    usages = one["usage"], other["usage"]
    return {
        "window_s": one["window_s"] + other["window_s"],
        "streams": {
            name: _stream(stream, other["streams"][name]) for name, stream in one["streams"].items()
        },
        "usage": None
        if None in usages
        else {role: _usage(usage, usages[1][role]) for role, usage in usages[0].items()},
        "generator_cpu_s": one["generator_cpu_s"] + other["generator_cpu_s"],
        "generator_waited_s": _known(sum, one["generator_waited_s"], other["generator_waited_s"]),
        "generator_real_time": one["generator_real_time"] and other["generator_real_time"],
        "faults": [*one["faults"], *other["faults"]],
    }


def _stream(one: Figures, other: Figures) -> dict[str, Any]:
    return {
        **one,
        **{name: one[name] + other[name] for name in SUMS},
        **{name: _together(one[name], other[name]) for name in HISTOGRAMS},
        "max_in_flight": max(one["max_in_flight"], other["max_in_flight"]),
    }


def _together(*histograms: Any) -> list[list[int]]:
    return Histogram(pair for pairs in histograms for pair in pairs).pairs()


def _usage(one: Figures, other: Figures) -> dict[str, Any]:
    return {
        "processes": max(one["processes"], other["processes"]),
        "cpu_s": one["cpu_s"] + other["cpu_s"],
        "peak_memory_bytes": _known(max, one["peak_memory_bytes"], other["peak_memory_bytes"]),
    }


def _known(of: Any, *values: float | None) -> Any:
    """None where the system did not tell one of them."""
    return None if None in values else of(values)
