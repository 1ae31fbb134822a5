"""Arrays that break the contract are typed errors that name the argument, never a crash."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from service.packed import Blobs, CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import RuleTables, rule_tables

NAMES = ["ann", "bob", "carol", "dave"]


def arrays_of(value: object, kind: type) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(kind)}


def damaged(array: np.ndarray) -> dict[str, object]:
    """The same array in forms that no engine may read."""
    strided = np.zeros((*array.shape[:-1], array.shape[-1] * 2), dtype=array.dtype)[..., ::2]
    strided[...] = array
    return {
        "wrong dtype": array.astype("f4"),
        "wrong byte order": array.astype(array.dtype.newbyteorder(">")),
        "too many dimensions": array[np.newaxis],
        "strided": strided,
        "a list": array.tolist(),
        "none": None,
    }


INDEX = NameIndex.build(NAMES)
QUERIES = CodePoints.pack(["ann", "bo"])
RECORDS = Blobs.pack([b"a", b"bc"])
PAYMENTS = PaymentColumns(*(Blobs.pack([b"x", b"y"]) for _ in range(6)))


def cases(value: object, kind: type, skip: frozenset[str] = frozenset()) -> list:
    return [
        pytest.param(name, bad, id=f"{name}: {what}")
        for name, array in arrays_of(value, kind).items()
        if name not in skip
        for what, bad in damaged(array).items()
        if what != "wrong byte order" or array.dtype.itemsize > 1  # one byte has no order
    ]


def replaced(value: object, kind: type, **changes: object) -> SimpleNamespace:
    return SimpleNamespace(**(arrays_of(value, kind) | changes))


refused = pytest.raises((TypeError, ValueError))


@pytest.mark.parametrize(("name", "bad"), cases(QUERIES, CodePoints))
def test_screen_names_the_query_array(native, name, bad) -> None:
    with refused as caught:
        native.screen(replaced(QUERIES, CodePoints, **{name: bad}), INDEX, 0.9, 5)
    assert f"queries.{name}" in str(caught.value)


@pytest.mark.parametrize(("name", "bad"), cases(INDEX, NameIndex, frozenset({"version"})))
def test_screen_names_the_index_array(native, name, bad) -> None:
    with refused as caught:
        native.screen(QUERIES, replaced(INDEX, NameIndex, **{name: bad}), 0.9, 5)
    assert f"index.{name}" in str(caught.value)


OFFSETS = {
    "do not start at 0": [1, 2, 3],
    "go backwards": [0, 3, 2],
    "pass the end": [0, 1, 99],
    "negative": [0, -1, 2],
    "none at all": [],
}


@pytest.mark.parametrize("offsets", list(OFFSETS.values()), ids=list(OFFSETS))
def test_offsets_are_checked(native, offsets) -> None:
    offsets = np.array(offsets, dtype="<i4")
    calls = {
        "queries": lambda: native.screen(
            replaced(QUERIES, CodePoints, offsets=offsets), INDEX, 0.9, 5
        ),
        "index": lambda: native.screen(
            QUERIES, replaced(INDEX, NameIndex, offsets=offsets), 0.9, 5
        ),
        "records": lambda: native.seal(replaced(RECORDS, Blobs, offsets=offsets)),
        "currency": lambda: native.validate(
            replaced(
                PAYMENTS,
                PaymentColumns,
                currency=replaced(PAYMENTS.currency, Blobs, offsets=offsets),
            ),
            rule_tables(),
        ),
    }
    for argument, call in calls.items():
        with refused as caught:
            call()
        assert argument in str(caught.value)


@pytest.mark.parametrize("name", ["planes", "plane_starts", "heads", "rows"])
def test_index_arrays_that_do_not_fit_each_other_are_refused(native, name) -> None:
    array = getattr(INDEX, name)
    with refused as caught:
        native.screen(
            QUERIES, replaced(INDEX, NameIndex, **{name: np.ascontiguousarray(array[:-1])}), 0.9, 5
        )
    assert "index." in str(caught.value)


def test_plane_starts_past_the_planes_are_refused(native) -> None:
    starts = INDEX.plane_starts.copy()
    starts[-1] += 1
    with refused as caught:
        native.screen(QUERIES, replaced(INDEX, NameIndex, plane_starts=starts), 0.9, 5)
    assert "plane_starts" in str(caught.value)


@pytest.mark.parametrize(
    ("cutoff", "limit", "name"),
    [(float("nan"), 5, "cutoff"), (0.9, 0, "limit"), (0.9, -1, "limit"), ("x", 5, "cutoff")],
)
def test_scalars_are_checked(native, cutoff, limit, name) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
        native.screen(QUERIES, INDEX, cutoff, limit)
    assert name in str(caught.value) or not isinstance(cutoff, float)


@pytest.mark.parametrize("column", [field.name for field in fields(PaymentColumns)])
@pytest.mark.parametrize(("name", "bad"), cases(RECORDS, Blobs))
def test_validate_names_the_column(native, column, name, bad) -> None:
    blobs = replaced(RECORDS, Blobs, **{name: bad})
    with refused as caught:
        native.validate(replaced(PAYMENTS, PaymentColumns, **{column: blobs}), rule_tables())
    assert f"{column}.{name}" in str(caught.value)


def test_columns_of_different_lengths_are_refused(native) -> None:
    short = replaced(PAYMENTS, PaymentColumns, currency=Blobs.pack([b"EUR"]))
    with refused as caught:
        native.validate(short, rule_tables())
    assert "payments." in str(caught.value)


@pytest.mark.parametrize(("name", "bad"), cases(rule_tables(), RuleTables, frozenset({"version"})))
def test_validate_names_the_table(native, name, bad) -> None:
    with refused as caught:
        native.validate(PAYMENTS, replaced(rule_tables(), RuleTables, **{name: bad}))
    assert f"rules.{name}" in str(caught.value)


@pytest.mark.parametrize("place", [2, -1, 2**31 - 1])
def test_places_are_checked(native, place) -> None:
    with refused as caught:
        native.prove(RECORDS, np.array([0, place], dtype="<i4"))
    assert "places" in str(caught.value)


@pytest.mark.parametrize(("name", "bad"), cases(RECORDS, Blobs))
def test_seal_and_prove_name_the_array(native, name, bad) -> None:
    records = replaced(RECORDS, Blobs, **{name: bad})
    for call in (
        lambda: native.seal(records),
        lambda: native.prove(records, np.zeros(1, dtype="<i4")),
    ):
        with refused as caught:
            call()
        assert f"records.{name}" in str(caught.value)


def test_writable_arrays_do_as_well_as_read_only_ones(native) -> None:
    writable = replaced(
        INDEX,
        NameIndex,
        **{n: a.copy() for n, a in arrays_of(INDEX, NameIndex).items() if n != "version"},
    )
    got = native.screen(QUERIES, writable, 0.5, 3)
    expected = native.screen(QUERIES, INDEX, 0.5, 3)
    assert all((a == b).all() for a, b in zip(got, expected))


# engine: rust
def test_a_panic_in_rust_is_an_ordinary_exception() -> None:
    import hotpath_rust as native

    with pytest.raises(native.KernelPanic, match="on purpose"):
        native._native._panic("on purpose")
    assert issubclass(native.KernelPanic, RuntimeError)


# engine: end
