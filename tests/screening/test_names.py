from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ServiceError
from service.screening.names import MAX_NAME_CHARS, normalize


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ""),
        ("  ", ""),
        ("!!!", ""),
        ("Jon SMYTH", "jon smyth"),
        ("SMYTH, Jon", "jon smyth"),
        ("O'Neill-Brown", "brown neill o"),
        ("DE C.V.", "c de v"),
        ("José Núñez", "jose nunez"),
        ("Straße 12", "12 strasse"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("Ⅻ ﬁre", "fire xii"),
        ("İstanbul", "istanbul"),
        ("Фёдоров", "федоров"),
        ("عُمَر", "عمر"),
        ("名 前", "前 名"),
        ("𝕁𝕠𝕟", "jon"),
        ("a_b\tc\u00a0d", "a b c d"),
    ],
)
def test_names_fold_to_sorted_plain_tokens(name: str, expected: str) -> None:
    assert normalize(name) == expected


@given(st.text(max_size=60))
def test_normalising_again_changes_nothing(name: str) -> None:
    once = normalize(name)
    assert normalize(once) == once


@given(st.text(max_size=60))
def test_only_letters_numbers_and_single_spaces_are_left(name: str) -> None:
    folded = normalize(name)
    assert folded == folded.strip()
    assert "  " not in folded
    assert all(c == " " or unicodedata.category(c)[0] in "LN" for c in folded)


@pytest.mark.parametrize("surrogate", ["\ud800", "a\udfffb"])
def test_a_lone_surrogate_is_refused(surrogate: str) -> None:
    with pytest.raises(ServiceError, match="lone surrogate") as caught:
        normalize(surrogate)
    assert caught.value.code == "invalid_argument"


def test_an_overlong_name_is_refused_before_any_work() -> None:
    with pytest.raises(ServiceError, match="at most 512 characters, got 10000"):
        normalize("\u0301\u0323" * 5000)  # runs of marks make NFKD quadratic
    assert normalize("a" * MAX_NAME_CHARS) == "a" * MAX_NAME_CHARS
