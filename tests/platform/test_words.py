"""The platform knows no word of any domain, and names no engine that can be left out."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTSIDE = ("service/screening", "service/gen")  # the domain; what is made from the proto
SAMPLE = r"payment|watchlist|\biban|sanction|screening|creditor|\bseals?\b|jaro"
REGION = re.compile(r"^ *# engine: (?!end$).*?# engine: end$", re.M | re.S)
PROJECT = (ROOT / "pyproject.toml").read_text()
OPTIONAL = set(re.findall(r"^ *# engine: (?!end$)(\w+)$", PROJECT, re.M))


def sources() -> dict[str, str]:
    """By path the text, without the regions of engines."""
    found = {}
    for path in (ROOT / "service").rglob("*.py"):
        name = str(path.relative_to(ROOT))
        if not name.startswith(OUTSIDE):
            found[name] = REGION.sub("", path.read_text())
    assert {"service/app.py", "service/http/context.py", "service/store/migrate.py"} <= set(found)
    return found


def lines_with(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> set[str]:
    return {
        f"{name}: {line.strip()}"
        for name, text in sources().items()
        for line in text.splitlines()
        if re.search(pattern, line, flags)
    }


def test_no_file_of_the_platform_has_a_word_of_the_sample() -> None:
    found = lines_with(SAMPLE, re.IGNORECASE)
    # The one file that names the application.
    assert {line for line in found if not line.startswith("service/wiring.py: DOMAIN")} == set()


def test_no_file_of_the_platform_names_an_optional_engine() -> None:
    for name in OPTIONAL:  # as the language's name, or as the engine's; "to go" is neither
        assert lines_with(rf"\b{name.capitalize()}\b|[\"'`_]{name}\b") == set()


def test_regions_are_seen_as_such() -> None:
    text = "a\n    # engine: rust\n    b\n    # engine: end\nc\n# engine: go\nd\n# engine: end\n"
    assert REGION.sub("", text).split() == ["a", "c"]
