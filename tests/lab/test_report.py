"""What people read: made from results that this file writes down."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from loadtests.lab import charts, report, session, tables
from loadtests.lab.statistics import summarise
from loadtests.lab.targets import LabError
from tests.lab.test_statistics import BLOCKS, block


def a_result(voids=None, blocks=BLOCKS):
    variants = ["a", "b"]
    voids = voids or {}
    return {
        "schema": session.SCHEMA,
        "started_at": "2026-01-01T00:00:00+00:00",
        "finished_at": "2026-01-01T00:01:00+00:00",
        "complete": not voids,
        "interrupted": False,
        "settings": {
            "profile": "test", "rounds": 2, "model": "closed", "variants": variants,
            "baselines": ["a"], "watchlist": {"source": "<made> up", "names": 1234},
            "users": 2, "names": 4, "cutoff": 0.9, "limit": 5, "pool": 8, "seed": 1,
            "warmup_s": 1.0, "window_s": 2.0, "min_requests": 4, "max_s": 10.0,
        },
        "machine": {
            "cpu": "A CPU", "cores": 4, "usable_cores": 2, "memory_bytes": 2**33,
            "load_average": [0.1, 0.2, 0.3], "system": "Linux", "python": "CPython 3.11",
            "packages": {"locust": "2"},
        },
        "commit": {"hash": "0123456789abcdef", "dirty": False},
        "engines": {"engines": []},
        "targets": [],
        "blocks": [{"position": 1, **b} for b in blocks],
        "voids": voids,
        "summary": summarise(variants, voids, blocks, 4, ["a"]),
    }  # fmt: skip


class Sources(HTMLParser):
    """Collects whatever a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched, self.raw, self._in_raw = [], "", False

    def handle_starttag(self, _, attrs):
        attrs = dict(attrs)
        self.fetched += [attrs[name] for name in ("src", "srcset", "href") if name in attrs]
        self._in_raw = attrs.get("id") == "raw"

    def handle_endtag(self, _):
        self._in_raw = False

    def handle_data(self, data):
        self.raw += data if self._in_raw else ""


def test_page_needs_nothing_from_the_network():
    page = report.html(a_result())
    sources = Sources()
    sources.feed(page)
    assert sources.fetched == []
    assert "@import" not in page
    assert "url(" not in page
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_page_carries_its_raw_data():
    result = a_result(voids={"b": "</script><script>alert(1)</script>"})
    sources = Sources()
    page = report.html(result)
    sources.feed(page)
    assert json.loads(sources.raw) == json.loads(json.dumps(result))
    assert "<script>alert" not in page
    assert "&lt;made&gt; up" in page


def test_answer_is_made_of_the_figures():
    sentence = report.answer(a_result())[0]
    assert sentence == (
        "b answered the most: 30.0 requests/s (20.0–40.0) of 4 names each, screened against "
        "1,234 listed names, 7.00 times a (4.00–10.0)."
    )


def test_answer_says_where_rounds_overlap():
    close = [
        block("a", 1, 10, 1, 1),
        block("a", 2, 14, 1, 1),
        *BLOCKS[1:2],
        block("b", 2, 12, 1, 1),
    ]
    assert "its rounds overlap with those of a" in report.answer(a_result(blocks=close))[0]


def test_void_is_said_first_and_has_no_figures():
    result = a_result(voids={"b": "status: expected 200, got 500"})
    assert "**b is void: status: expected 200, got 500**" in report.markdown(result, ".")
    assert re.search(r"^\| b \*\*\(void\)\*\* (\| – )+\|$", report.markdown(result, "."), re.M)
    assert "with the same answers" not in report.html(result)


def test_busy_machine_is_said():
    result = a_result()
    assert report.problems(result) == []
    result["machine"]["load_average"][0] = 1.01  # on two usable cores
    assert "busy at the start: a load of 1.0 on 2 cores" in report.problems(result)[0]


def test_run_without_any_figure_still_has_a_report(tmp_path):
    result = a_result(voids={"a": "crashed", "b": "crashed"})
    assert report.write(result, tmp_path).exists()
    assert "No variant has figures" in report.answer(result)[0]


def test_charts_are_written_and_stale_ones_removed(tmp_path):
    report.write(a_result(), tmp_path)
    assert "<svg" in (tmp_path / "throughput-dark.svg").read_text()
    report.write(a_result(voids={"a": "x", "b": "x"}), tmp_path)
    assert list(tmp_path.glob("*.svg")) == []


def test_no_stand_in_color_is_left():
    for _, chart in charts.CHARTS:
        drawn = charts.svg(chart, a_result()["summary"], charts.NARROW, charts.DARK)
        assert not [color for color in charts.PALETTE if color in drawn]
        assert "<title>b: " in drawn


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"), (0, "0"), (1234567.8, "1,234,568"), (999.6, "1,000"), (99.96, "100"),
        (12.345, "12.3"), (1.0, "1.00"), (0.99951, "1.00"), (0.0012345, "0.00123"),
    ],
)  # fmt: skip
def test_figures_have_three_digits(value, expected):
    assert charts.figure(value) == expected


def test_slow_variant_does_not_flatten_the_others():
    slow = [block("a", r, 1, 5.0, 1) for r in (1, 2)] + [block("b", r, 100, 1.0, 1) for r in (1, 2)]
    assert [row["variant"] for row in charts.off_axis(a_result(blocks=slow)["summary"])] == ["a"]
    assert "Off the axis: a (5,000 ms)" in report.html(a_result(blocks=slow))


def test_splice_replaces_what_is_between_the_markers(tmp_path):
    document = tmp_path / "README.md"
    document.write_text("before\n<!-- lab:begin -->\nold\n<!-- lab:end -->\nafter\n")
    result, out = a_result(), tmp_path / "docs" / "results"
    report.splice(result, out, document)
    report.splice(result, out, document)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert text.count("<!-- lab:begin -->") == 1
    assert 'src="docs/results/throughput.svg"' in text
    assert tables.markdown(result, tables.short_columns(result)) in text


def test_splice_needs_its_markers(tmp_path):
    document = tmp_path / "README.md"
    document.write_text("<!-- lab:end --> <!-- lab:begin -->")
    with pytest.raises(LabError, match="expected one pair of markers"):
        report.splice(a_result(), tmp_path, document)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "other/1"}'])
def test_reading_something_else_is_refused(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(LabError, match="expected"):
        session.read(tmp_path)
