"""The table of places: what a file may hold, and what is made up without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from service.errors import ServiceError
from service.nearest import places
from service.nearest.sphere import Position


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    named = {'a, "b"': Position(-90, 180), "São Tomé": Position(0.1, 1 / 3)}
    places.write(tmp_path / "new/places.csv", named)
    loaded = places.load(tmp_path / "new/places.csv")
    assert dict(zip(loaded.names, loaded.positions)) == named
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["places.csv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: expected name,lat,lon, got []"),
        ("a,1,2\n", "line 1: expected name,lat,lon, got ['a', '1', '2']"),
        ("name,lat,lon\n", "expected at least one place, got none"),
        ("name,lat,lon\na,1\n", "line 2: expected a new name, lat and lon, got ['a', '1']"),
        ("name,lat,lon\na,1,2\na,3,4\n", "line 3: expected a new name, lat and lon, got"),
        ("name,lat,lon\na,91,2\n", "line 2: lat: expected -90 to 90, got '91'"),
        ("name,lat,lon\na,1,nan\n", "line 2: lon: expected -180 to 180, got 'nan'"),
        ("name,lat,lon\na,x,2\n", "line 2: lat: expected -90 to 90, got 'x'"),
        (b"name,lat,lon\n\xff,1,2\n", "expected a readable file in UTF-8, got: "),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, content: str | bytes, message) -> None:
    path = tmp_path / "places.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ServiceError) as caught:
        places.load(path)
    assert caught.value.code == "places_invalid"
    assert str(path) in caught.value.message
    assert message in caught.value.message


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ServiceError, match=r"no/places\.csv: expected a readable file"):
        places.load(Path("no/places.csv"))


def test_places_are_made_up_all_over_the_sphere() -> None:
    made_up = places.load(None)
    assert len(made_up) == places.COUNT
    assert np.linalg.norm(made_up.vectors, axis=1) == pytest.approx(1)
    # The mean of n random directions is about 1/sqrt(n) long; that of one half of the sphere 0.5.
    assert np.linalg.norm(made_up.vectors.mean(axis=0)) < 4 / np.sqrt(places.COUNT)
