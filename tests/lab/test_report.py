"""What people read: made from results that are drawn, not measured."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser

import pytest

from loadtests.lab import report, session
from loadtests.lab.report import answer, drawing, markdown, wording
from loadtests.lab.report.document import Row, Table
from loadtests.lab.report.figures import Figures
from loadtests.lab.targets import LabError
from tests.lab.made_up import BASELINES, VARIANTS, Maker

ORDER = [
    "verdicts", "against-go", "engines", "latency", "load", "mixed", "ladder", "crossover", "cost",
    "not-worth-it", "machine", "method",
]  # fmt: skip


def finished(result):
    return session.worked_out(result, BASELINES)


def figures(result):
    return Figures(result, BASELINES)


def two(ratio=1.0, rounds=8, noise=0.02, **cells):
    """A FastAPI target and the gateway on json; ratio: FastAPI's speed by Go's."""
    maker = Maker(rounds=rounds, noise=noise)
    maker.target("rust-thread")
    maker.target("gateway", kind="gateway")
    maker.cell("io", "json", "rust-thread", 1000.0 / ratio, **cells)
    maker.cell("io", "json", "gateway", 1000.0, **cells)
    return maker.result()


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


def sources_of(page):
    found = Sources()
    found.feed(page)
    return found


def test_page_needs_nothing_from_the_network(written):
    page = (written / "report.html").read_text()
    fetched = [address for address in sources_of(page).fetched if not address.startswith("#")]
    assert fetched == ["data:,"]
    assert "@import" not in page
    assert "url(" not in page.replace("url(#", "")
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_page_carries_its_raw_data(whole, written):
    page = (written / "report.html").read_text()
    raw = gzip.decompress(base64.b64decode(sources_of(page).raw))
    assert json.loads(raw) == json.loads(json.dumps(whole))


def test_sections_come_in_their_order(whole):
    assert [section.anchor for section in report.composed(figures(whole)).chapters] == ORDER


def test_sections_without_data_are_left_out():
    document = report.composed(figures(finished(two())))
    assert [s.anchor for s in document.chapters] == ["against-go", "cost", "machine", "method"]


def test_run_without_any_figure_still_has_a_report(tmp_path):
    result = two()
    result["voids"] = {cell["id"]: "crashed <b>here</b>" for cell in result["cells"]}
    page = report.write(figures(finished(result)), tmp_path).read_text()
    assert "No route was measured against Go" in page
    assert "io/json/gateway is void: crashed &lt;b&gt;here&lt;/b&gt;" in page


def test_interrupted_before_any_block(tmp_path):
    result = two() | {"blocks": [], "interrupted": True, "calibration": None}
    text = report.write(figures(finished(result)), tmp_path).with_name("report.md").read_text()
    assert "interrupted" in text
    assert "not calibrated" in text


@pytest.mark.parametrize(
    ("ratio", "noise", "words"),
    [
        (0.9, 0.02, "FastAPI is close to Go on json"),
        (0.3, 0.02, "FastAPI is not close to Go on json"),
        (0.67, 0.3, "This run cannot tell on json"),
    ],
)
def test_answer_says_no_more_than_the_interval(ratio, noise, words):
    sentence = answer.answer(figures(finished(two(ratio, noise=noise))))[0]
    assert sentence.startswith(words)


def test_answer_has_the_ratio_and_its_interval():
    result = finished(two(0.3))
    (ratio,) = (c for c in result["comparisons"] if c["metric"] == "per_core_rps")
    shown = f"{ratio['ratio']:.2f} ({ratio['low']:.2f}–{ratio['high']:.2f})"
    assert f"json {shown}" in answer.answer(figures(result))[0]


def test_answer_is_two_sentences_and_names_the_steps(whole):
    first, second = answer.answer(figures(whole))
    assert first.count(". ") == 0
    assert second.startswith("The cheapest way to close the gap: on matches the better method")
    assert "a plain FastAPI route on uvicorn" in second


def test_without_go_there_is_no_gap():
    (step,) = answer.answer(figures(engines({"python-inline": 3000.0, "rust-thread": 1000.0})))
    assert step.startswith("The cheapest way to more speed: on matches")


def engines(costs, noise=0.02):
    maker = Maker(rounds=10, noise=noise)
    for name, cost in costs.items():
        maker.target(name)
        maker.cell("engines", "matches", name, cost, items=4)
    return finished(maker.result())


def test_answer_names_whom_the_fastest_is_not_told_apart_from():
    close = engines(
        {"python-inline": 3000.0, "cython-thread": 1001.0, "rust-thread": 1000.0, "go-rpc": 2000.0},
        noise=0.1,
    )
    step = answer.answer(figures(close))[-1]
    assert re.search(r"times python-inline \(not told apart from (cython|rust)-thread\)\.", step)


def not_worth_it(result):
    document = report.composed(figures(result))
    return next(s for s in document.chapters if s.anchor == "not-worth-it").parts[1].items


def test_engine_that_is_slower_does_not_pay():
    items = not_worth_it(
        engines({"python-inline": 1000.0, "python-process": 1300.0, "rust-thread": 400.0})
    )
    assert items[0].startswith("python-process: slower than python-inline on matches 0.7")
    assert items[1] == "rust-thread: faster than python-inline wherever this run compared them."


def test_engine_that_is_not_told_apart_is_not_called_slower():
    (item,) = not_worth_it(engines({"python-inline": 1000.0, "numpy-thread": 1001.0}, noise=0.1))
    assert item.startswith("numpy-thread: not certainly faster than python-inline on matches")


def test_engine_that_blocks_the_loop_is_named(whole):
    items = not_worth_it(whole)
    assert any(
        re.match(r"python-inline: .*the p99 of I/O requests rises from", item) for item in items
    )


def test_sidecar_has_its_break_even(whole):
    (item,) = (item for item in not_worth_it(whole) if item.startswith("go-rpc"))
    found = float(re.search(r"it pays against rust-thread from ([\d,.]+) µs", item)[1])
    assert found == pytest.approx((700 - 520) / (1.0 - 0.6), rel=0.4)  # the laws of made_up


def problems(result):
    return " ".join(answer.problems(figures(result)))


def test_quiet_run_has_no_problem():
    assert problems(finished(two())) == ""


def test_busy_machine_is_said():
    result = finished(two())
    result["machine"]["load_average"][0] = 1.01  # on two usable cores
    assert "busy at the start: a load of 1.0 on 2 cores" in problems(result)


def twin_result(noise, slowed=None, ratio=1.0):
    maker = Maker(rounds=30, noise=noise)
    maker.target("rust-thread")
    maker.target("rust-thread-twin", variant="rust-thread", twin_of="rust-thread")
    maker.cell("twins", "matches", "rust-thread", 1000.0)
    maker.cell("twins", "matches", "rust-thread-twin", 1000.0 / ratio)
    result = maker.result()
    result["targets"]["rust-thread-twin"]["slowed"] = slowed
    return finished(result)


def test_wide_twins_are_a_problem_and_narrow_ones_are_none():
    assert problems(twin_result(0.01)) == ""
    assert "measured beside itself, has a ratio of" in problems(twin_result(0.3))


def test_slowed_twin_is_seen_or_not():
    assert "The lab sees it" in problems(twin_result(0.01, slowed=1.05, ratio=0.95))
    assert "The lab does not see it" in problems(twin_result(0.3, slowed=1.05, ratio=0.99))


def test_figures_near_the_generators_limit_are_named():
    result = finished(two())
    result["calibration"]["ceiling_rps"] = {"median": 1200, "low": 1100, "high": 1300, "blocks": 5}
    assert "Near the generator's own limit of 1,200 requests/s (1,100–1,300)" in problems(result)


def test_void_cell_is_marked_and_has_no_figures(tmp_path):
    result = two()
    result["voids"]["io/json/rust-thread"] = "status: expected 200, got 500"
    text = report.write(figures(finished(result)), tmp_path).with_name("report.md").read_text()
    assert "io/json/rust-thread is void: status: expected 200, got 500" in text
    assert re.search(r"^\| rust-thread \*\*\(void\)\*\* (\| – )+\|$", text, re.M)


def test_text_from_outside_is_no_markup(tmp_path):
    result = two()
    result["voids"]["io/json/gateway"] = "</script><script>alert(1)</script> **bold** `code`"
    report.write(figures(finished(result)), tmp_path)
    assert "<script>alert" not in (tmp_path / "report.html").read_text()
    text = (tmp_path / "report.md").read_text()
    assert "<script>" not in text
    assert "**bold**" not in text


def test_all_tables_are_as_wide_as_their_heads(whole):
    shown = [
        part
        for s in report.composed(figures(whole)).chapters
        for part in s.parts
        if isinstance(part, Table)
    ]
    assert len(shown) >= 7
    for table in shown:
        for row in table.rows:
            assert row.kind == "group" or len(row.entries) == len(table.head) - 1, (
                table.label,
                row,
            )


def test_engines_name_every_variant_and_the_fastest(whole):
    section = next(s for s in report.composed(figures(whole)).chapters if s.anchor == "engines")
    (table,) = (part for part in section.parts if isinstance(part, Table))
    names = [row.name for row in table.rows]
    assert set(VARIANTS) <= set(names)
    best = [row for row in table.rows if row.kind == "best"]
    assert len(best) == 3  # of matches, validations and seals
    rates = {row.name: row.entries[0][0] for row in table.rows[1 : 1 + len(VARIANTS)]}
    assert float(rates[best[0].name].replace(",", "")) == max(
        float(rate.replace(",", "")) for rate in rates.values()
    )


def test_charts_are_files_in_both_colors_and_stale_ones_go(whole, written):
    document = report.composed(figures(whole))
    names = [chart.name for chart in markdown.charts(document)]
    assert len(names) == len(set(names)) >= 9
    assert {path.name for path in (written / "charts").iterdir()} == {
        f"{name}{suffix}.svg" for name in names for suffix in ("", "-dark")
    }


def test_no_stand_in_color_is_left_and_marks_have_titles(whole, written):
    for path in (written / "charts").glob("*.svg"):
        assert not re.search(r"#1111\d\d", path.read_text()), path.name
    text = (written / "charts" / "engines-matches.svg").read_text()
    assert "<title>rust-thread: " in text
    assert 'aria-label="Throughput' in text
    page = (written / "report.html").read_text()
    assert not re.search(r"#1111\d\d", re.sub(r"<style>.*?</style>", "", page, flags=re.S))


def test_every_color_has_a_value_in_both_themes():
    for theme in (1, 2):
        assert set(re.findall(r"--(\w+):", drawing.variables(theme))) == set(drawing.COLORS)


@pytest.mark.parametrize("width", [drawing.WIDE, drawing.NARROW])
def test_charts_keep_to_their_width(whole, width):
    for chart in markdown.charts(report.composed(figures(whole))):
        found = re.search(r'<svg [^>]*?width="([\d.]+)"', drawing.drawn(chart, width))
        assert float(found[1]) <= width * 1.08, chart.name


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"), (0, "0"), (1234567.8, "1,234,568"), (999.6, "1,000"), (99.96, "100"),
        (12.345, "12.3"), (1.0, "1.00"), (0.99951, "1.00"), (0.0012345, "0.00123"),
    ],
)  # fmt: skip
def test_figures_have_three_digits(value, expected):
    assert wording.figure(value) == expected


def test_markdown_escapes_the_bars_of_a_table():
    table = Table([("a", ""), ("b", "s")], [Row("x|y", [("1", "0–2")])], "made up")
    assert markdown.table(table) == "| a | b (s) |\n|---|---:|\n| x\\|y | 1 (0–2) |"


def test_splice_replaces_what_is_between_the_markers(whole, tmp_path):
    document = tmp_path / "README.md"
    document.write_text("before\n<!-- lab:begin -->\nstale words\n<!-- lab:end -->\nafter\n")
    out = tmp_path / "docs" / "results"
    report.splice(figures(whole), out, document)
    report.splice(figures(whole), out, document)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale words" not in text
    assert text.count("<!-- lab:begin -->") == 1
    assert 'src="docs/results/charts/against-go.svg"' in text
    assert answer.answer(figures(whole))[0] in text


def test_splice_needs_its_markers(whole, tmp_path):
    document = tmp_path / "README.md"
    document.write_text("<!-- lab:end --> <!-- lab:begin -->")
    with pytest.raises(LabError, match="expected one pair of markers"):
        report.splice(figures(whole), tmp_path, document)


def test_terminal_has_the_answer_and_the_main_tables(whole, capsys):
    report.print_table(figures(whole))
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "FastAPI against Go" in text
    assert re.sub(r"\s+", " ", answer.answer(figures(whole))[0]) in text
