"""The report in a real browser: it logs no error, asks for nothing, fits and can be saved."""

from __future__ import annotations

import json
import time

import pytest

from tests.lab import chromium

pytestmark = pytest.mark.skipif(
    chromium.FOUND is None, reason="no Chromium is installed: the report was not looked at"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    downloads = tmp_path_factory.mktemp("downloads")
    with chromium.page(downloads) as page:
        page.downloads = downloads
        yield page


@pytest.fixture(autouse=True)
def fresh(browser):
    browser.complaints.clear()
    browser.requests.clear()


@pytest.mark.parametrize("width", [1280, 500, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_is_quiet_and_fits(browser, written, width, dark):
    browser.open(written / "report.html", width, dark=dark)
    assert browser.complaints == []
    assert browser.requests == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("[...document.querySelectorAll('h2')].length") >= 11
    shown = "[...document.querySelectorAll('figure svg')].filter((s) => s.getClientRects().length)"
    charts = browser.evaluate(f"{shown}.length")
    assert charts == len(list((written / "charts").glob("*-dark.svg")))
    assert (
        browser.evaluate(f"Math.max(...{shown}.map((s) => s.getBoundingClientRect().right))")
        <= width
    )
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, background.removeprefix("rgb(").rstrip(")").split(", ")))
    assert (brightness < 3 * 60) is dark
    (written / f"{width}-{dark}.png").write_bytes(browser.screenshot())


def test_colors_of_the_charts_follow_the_theme(browser, written):
    colors = []
    for dark in (False, True):
        browser.open(written / "report.html", 1280, dark=dark)
        colors.append(
            browser.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
        )
    assert colors[0] != colors[1]
    assert all(color.startswith("rgb(") for color in colors)


def test_tooltips_name_the_target(browser, written):
    browser.open(written / "report.html", 1280)
    titles = browser.evaluate(
        "[...document.querySelectorAll('figure title')].map((t) => t.textContent)"
    )
    assert any(title.startswith("rust-thread: ") for title in titles)


def test_raw_data_can_be_saved(browser, written):
    browser.open(written / "report.html", 1280)
    browser.evaluate("document.getElementById('download').click()")
    saved = browser.downloads / "result.json"
    until = time.monotonic() + 60
    while not saved.exists() and time.monotonic() < until:
        browser.settle()
    assert json.loads(saved.read_text()) == json.loads((written / "result.json").read_text())
    assert browser.complaints == []
    assert browser.requests == []


def test_page_can_be_printed(browser, written):
    browser.open(written / "report.html", 1280)
    assert browser.pdf().startswith(b"%PDF-")
    assert browser.complaints == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("<script>console.error('seen')</script>", "complaints"),
        ("<script>throw new Error('seen')</script>", "complaints"),
        ('<img src="http://127.0.0.1:9/seen.png">', "requests"),
        ('<link rel="stylesheet" href="seen.css">', "requests"),
        ("<script>fetch('http://127.0.0.1:9/seen').catch(() => 0)</script>", "requests"),
    ],
)
def test_a_page_that_misbehaves_is_seen(browser, tmp_path, content, kind):
    """Of the driver: without it the tests above could not fail."""
    (tmp_path / "page.html").write_text(f"<!doctype html><title>x</title>{content}")
    browser.open(tmp_path / "page.html", 800)
    assert "seen" in str(getattr(browser, kind))
