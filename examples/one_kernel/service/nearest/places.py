"""The places: what engines hold between calls. Of a CSV file, or made up from a seed."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from math import asin, degrees
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from service.errors import ServiceError, shown
from service.nearest.errors import PLACES_INVALID
from service.nearest.settings import NearestSettings
from service.nearest.sphere import Position, unit_vectors
from service.offload.job import Held

PLACES = "places"  # their name among what engines hold
COLUMNS = ["name", "lat", "lon"]
COUNT, SEED = 1000, 20_240_229  # of those made up


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """n places, 1 at least. vectors: float64[n, 3], on the unit sphere."""

    names: tuple[str, ...]
    positions: tuple[Position, ...]
    vectors: NDArray[np.float64]

    @classmethod
    def of(cls, named: dict[str, Position]) -> Places:
        positions = tuple(named.values())
        return cls(tuple(named), positions, unit_vectors(positions))

    def __len__(self) -> int:
        return len(self.names)


def hold(settings: NearestSettings) -> Held:
    """What engines keep between calls. Raises: ServiceError places_invalid."""
    return {PLACES: load(settings.places)}


def load(path: Path | None) -> Places:
    """Those of a CSV file with a header, or made up for None.

    Raises: ServiceError places_invalid, naming file, line, expectation and what came.
    """
    return Places.of(read(path) if path else made_up(COUNT, SEED))


def made_up(count: int, seed: int) -> dict[str, Position]:
    """Evenly over the sphere: there the sine of the latitude is even. Like a file, to 1e-6."""
    rng = Random(seed)
    return {
        f"place {row}": Position(
            round(degrees(asin(rng.uniform(-1, 1))), 6), round(rng.uniform(-180, 180), 6)
        )
        for row in range(count)
    }


def read(path: Path) -> dict[str, Position]:
    """By name. Raises: as load."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"{path}: expected a readable file in UTF-8, got: {error}") from error
    rows = csv.reader(lines)
    header = next(rows, [])
    if header != COLUMNS:
        raise _invalid(f"{path}, line 1: expected {','.join(COLUMNS)}, got {shown(header)}")
    found: dict[str, Position] = {}
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        if len(row) != len(COLUMNS) or not row[0] or row[0] in found:
            raise _invalid(f"{where}: expected a new name, lat and lon, got {shown(row)}")
        lat, lon = (_number(where, *column) for column in zip(COLUMNS[1:], row[1:], (90, 180)))
        found[row[0]] = Position(lat, lon)
    if not found:
        raise _invalid(f"{path}: expected at least one place, got none")
    return found


def _number(where: str, name: str, text: str, most: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not -most <= number <= most:
        raise _invalid(f"{where}: {name}: expected {-most} to {most}, got {shown(text)}")
    return number


def write(path: Path, named: dict[str, Position]) -> None:
    """A file for `read`, with the same numbers to the last bit; whole, or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with part.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows((name, *position) for name, position in named.items())
    part.replace(path)


def _invalid(message: str) -> ServiceError:
    return ServiceError(PLACES_INVALID, message)
