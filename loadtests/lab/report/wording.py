"""How a figure is written: three digits, and never without its interval where it has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

from loadtests.lab.records import Bounds, Comparison, Latency, Percentile, Spread
from loadtests.lab.report.document import Entry

NOT_KNOWN = "–"


def figure(value: float | None, digits: int = 3) -> str:
    """So many significant digits at least, thousands apart; an en dash for what is not known."""
    if value is None:
        return NOT_KNOWN
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - floor(log10(abs(float(f"{value:.{digits}g}")))))
    return f"{value:,.{decimals}f}"


def interval(bounds: Mapping[str, Any] | Bounds, digits: int = 3) -> str:
    """ "1.02–1.08", or nothing where there is none."""
    low, high = _bounds(bounds)
    return "" if low is None or high is None else f"{figure(low, digits)}–{figure(high, digits)}"


def spread_entry(spread: Spread | None) -> Entry:
    """The median and its interval."""
    return (NOT_KNOWN, "") if spread is None else (figure(spread["median"]), interval(spread))


def ratio_entry(comparison: Comparison | None) -> Entry:
    if comparison is None:
        return NOT_KNOWN, ""
    return figure(comparison["ratio"]), interval(comparison)


def percentile_entry(latency: Latency | None, name: Percentile) -> Entry:
    if latency is None:
        return NOT_KNOWN, ""
    bounds = None if name == "max" else latency["intervals"][name]
    return figure(latency[name]), interval(bounds)


def said(comparison: Comparison, digits: int = 3) -> str:
    """In a sentence: "0.85 (0.82–0.88)"."""
    value, bounds = figure(comparison["ratio"], digits), interval(comparison, digits)
    return f"{value} ({bounds})" if bounds else f"{value} (too few rounds for an interval)"


def listed(words: Sequence[str], last: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def certainly(comparison: Comparison) -> str | None:
    """ "above" or "below" one; None where the interval does not tell, or is not known."""
    low, high = _bounds(comparison)
    if low is None or high is None:
        return None
    return "above" if low > 1 else "below" if high < 1 else None


def _bounds(bounds: Mapping[str, Any] | Bounds) -> tuple[Any, Any]:
    if bounds is None:
        return None, None
    if isinstance(bounds, Mapping):
        return bounds["low"], bounds["high"]
    return bounds[0], bounds[1]
