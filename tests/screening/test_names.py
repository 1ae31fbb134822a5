from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.errors import ServiceError
from service.screening.contract.folding import folding
from service.screening.names import MAX_NAME_CHARS, normalize
from tests.screening.normal_form import folded, is_invisible, is_known, normal_form


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ""),
        ("  ", ""),
        ("!!!", ""),
        ("Jon SMYTH", "jon smyth"),
        ("SMYTH, Jon", "jon smyth"),
        ("O'Neill-Brown", "brown neill o"),
        ("DE C.V.", "cv de"),
        ("José Núñez", "jose nunez"),
        ("Straße 12", "12 strasse"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("Ⅻ ﬁre", "fire xii"),
        ("İstanbul", "istanbul"),
        ("Фёдоров", "федоров"),
        ("عُمَر", "عمر"),
        ("名 前", "前 名"),
        ("𝕁𝕠𝕟", "jon"),
        ("ab_cd\tef\u00a0gh\u3000ij\u2028kl", "ab cd ef gh ij kl"),
        ("ﬁne Ａｂ", "ab fine"),
        ("\ufff9Ab\ufffacd\ufffb", "abcd"),
        ("A\u0338b\u20ddc", "abc"),
        ("Jo\0hn\x1f \u200b", "john"),
    ],
)
def test_names_fold_to_sorted_plain_tokens(name: str, expected: str) -> None:
    assert normalize(name) == expected


@settings(deadline=None)  # other work on the machine is no failure
@given(st.text(max_size=60))
def test_normalising_again_changes_nothing(name: str) -> None:
    once = normalize(name)
    assert normalize(once) == once


@settings(deadline=None)  # other work on the machine is no failure
@given(st.text(max_size=60))
def test_only_letters_numbers_and_single_spaces_are_left(name: str) -> None:
    left = normalize(name)
    assert left == left.strip()
    assert "  " not in left
    known = [c for c in left.replace(" ", "") if unicodedata.category(c) != "Cn"]
    assert all(unicodedata.category(c)[0] in "LN" for c in known)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["CECOEX, S.A.", "CECOEX SA", "Cecoex S. A.", "CECOEX S A", "CECOEX,S.A"], "cecoex sa"),
        (["A.I.C. Ltd", "AIC Ltd.", "A. I. C. LTD", "a i c ltd"], "aic ltd"),
        (["X S.A. DE C.V.", "X SA de CV", "X, S.A.DE C.V."], "cv de sa x"),
        (["Foo S. DE R.L.", "FOO S DE RL"], "de foo rl s"),
        (["Foo A/S", "FOO AS"], "as foo"),
        (["PLAN J S.A.", "PLAN J, SA", "S.A. PLAN J"], "j plan sa"),
        (["J.-P. Dupont", "DUPONT, J.P."], "dupont jp"),
        (["О.О.О. Ромашка", "ООО Ромашка"], "ооо ромашка"),
        (["Ｓ．Ａ． Foo", "S\u200b.A\u00ad. Foo"], "foo sa"),
        (["P. O'Brien", "O'BRIEN, P."], "brien op"),  # all that are left, in their order
        (["1 2 3", "3.2.1"], "1 2 3"),
        (["金 正 恩"], "恩 正 金"),
        (["ST.PETERSBURG CO.LTD"], "co ltd petersburg st"),
    ],
)
def test_single_letters_that_belong_together_are_one_token(names, expected: str) -> None:
    assert [normalize(name) for name in names] == [expected] * len(names)


PIECES = (
    "S",
    "a",
    "é",
    "Ж",
    "1",
    "名",
    "CO",
    ".",
    ". ",
    "/",
    " ",
    ",",
    "-",
    "'",
    "\u200b",
    "½",
    "´",
)


@settings(deadline=None)  # other work on the machine is no failure
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("S -.A")
@example("O''A B")
@example("A - B.-C")
def test_single_letters_are_joined_as_the_documents_say(name: str) -> None:
    assert normalize(name) == normal_form(name)
    assert normalize(normal_form(name)) == normal_form(name)


@settings(deadline=None)  # other work on the machine is no failure
@given(st.text(st.characters(exclude_categories=["Cs"]).filter(is_known), max_size=30))
def test_any_name_is_normalised_as_by_pythons_own_unicode(name: str) -> None:
    assert normalize(name) == normal_form(name)


def test_every_known_character_folds_as_by_pythons_own_unicode() -> None:
    chars = [chr(p) for p in range(0x110000) if not 0xD800 <= p <= 0xDFFF]
    wrong = [hex(ord(c)) for c in chars if is_known(c) and folding()[ord(c)] != folded(c)]
    assert wrong == []


def test_the_table_names_its_version_of_unicode() -> None:
    assert folding().unicode == "17.0.0"


def test_every_invisible_character_vanishes_within_a_word() -> None:
    invisible = [c for c in map(chr, range(0x110000)) if is_invisible(c)]
    assert len(invisible) > 4000  # most are tag characters, and those reserved beside them
    shown = [hex(ord(c)) for c in invisible if normalize(f"{c}jo{c}hn{c}") != "john"]
    assert shown == []


@pytest.mark.parametrize("surrogate", ["\ud800", "a\udfffb"])
def test_a_lone_surrogate_is_refused(surrogate: str) -> None:
    with pytest.raises(ServiceError, match="lone surrogate") as caught:
        normalize(surrogate)
    assert caught.value.code == "invalid_argument"


def test_an_overlong_name_is_refused_before_any_work() -> None:
    with pytest.raises(ServiceError, match="at most 512 characters, got 10000"):
        normalize("\u0301\u0323" * 5000)
    assert normalize("a" * MAX_NAME_CHARS) == "a" * MAX_NAME_CHARS
