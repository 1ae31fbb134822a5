"""Arrays at random into the compiled engines: an answer or a typed error, never a crash.

A crash ends the test run itself. `make fuzz` asks for many more examples.
"""

from __future__ import annotations

import os
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.packed import CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import rule_tables
from tests.conformance.merkle import is_proven

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
REFUSED = (TypeError, ValueError, OverflowError)

fuzzed = settings(
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
)


def arrays(dtype: str, values: st.SearchStrategy[int], max_size: int = 9):
    """Mostly right; now and then of another type, shape or stride."""
    right = st.lists(values, max_size=max_size).map(lambda found: np.array(found, dtype=dtype))
    wrong = st.one_of(
        right.map(lambda array: array.astype("f8")),
        right.map(lambda array: array[::-1]),
        right.map(lambda array: array[None]),
        right.map(lambda array: array.tolist()),
        st.none(),
    )
    return st.one_of(right, right, right, right, wrong)


offsets = arrays("<i4", st.one_of(st.integers(0, 12), st.integers(-(2**31), 2**31 - 1)))
rising = st.lists(st.integers(0, 4), max_size=9).map(
    lambda steps: np.concatenate([[0], np.cumsum(steps)]).astype("<i4")
)
any_offsets = st.one_of(rising, offsets)
code_points = st.builds(
    lambda o, d: SimpleNamespace(offsets=o, data=d),
    any_offsets,
    arrays("<u4", st.integers(0, 2**32 - 1), max_size=40),
)
blobs = st.builds(
    lambda o, d: SimpleNamespace(offsets=o, data=d),
    any_offsets,
    arrays("u1", st.integers(0, 255), max_size=40),
)


@st.composite
def indexes(draw: st.DrawFn) -> SimpleNamespace:
    """A built index with one array, sometimes, replaced or with a changed element."""
    built = NameIndex.build(draw(st.lists(st.text("abcé ", max_size=9), max_size=80)))
    parts = {name: getattr(built, name).copy() for name in NameIndex.__slots__[:6]}
    name = draw(st.sampled_from([None, *parts]))
    if name and draw(st.booleans()):
        parts[name] = draw(arrays(str(parts[name].dtype), st.integers(0, 200)))
    elif name and parts[name].size:
        place = draw(st.integers(0, parts[name].size - 1))
        parts[name].flat[place] = draw(st.integers(0, 2**31 - 1))
    return SimpleNamespace(**parts, version="")


@fuzzed
@given(
    queries=code_points,
    index=indexes(),
    cutoff=st.one_of(st.floats(0, 1), st.floats()),
    limit=st.integers(-1, 12),
)
def test_screen(native, queries, index, cutoff, limit) -> None:
    try:
        rows, scores = native.screen(queries, index, cutoff, limit)
    except REFUSED:
        pass
    else:
        assert rows.shape == scores.shape == (len(queries.offsets) - 1, limit)


@fuzzed
@given(columns=st.lists(blobs, min_size=6, max_size=6), same=st.booleans(), seed=st.integers(0, 9))
def test_validate(native, columns, same, seed) -> None:
    if same:  # most of what is drawn would stop at columns of different lengths
        columns = [columns[seed % 6]] * 6
    names = [field.name for field in fields(PaymentColumns)]
    payments = SimpleNamespace(**dict(zip(names, columns)))
    try:
        violations = native.validate(payments, rule_tables())
    except REFUSED:
        pass
    else:
        assert (violations >> 16 == 0).all()


@fuzzed
@given(records=blobs, places=arrays("<i4", st.integers(-2, 9)))
def test_seal_and_prove(native, records, places) -> None:
    try:
        root = native.seal(records)
        proofs = native.prove(records, places)
    except REFUSED:
        return
    size = len(records.offsets) - 1
    for place, proof in zip(places.tolist(), proofs, strict=True):
        record = records.data[records.offsets[place] : records.offsets[place + 1]].tobytes()
        assert is_proven(record, place, size, proof, root)


def test_the_unharmed_index_is_not_refused(native) -> None:
    index = NameIndex.build(["ab", "b"])
    rows, _ = native.screen(CodePoints.pack(["ab"]), index, 0.9, 1)
    assert rows.tolist() == [[0]]
