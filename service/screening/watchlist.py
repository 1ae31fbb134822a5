"""The watchlist: the OFAC SDN format, and a synthetic list for those who have none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from pydantic_core import to_json

from service.errors import ServiceError, shown
from service.offload.job import Held
from service.packed import Blobs
from service.screening.contract.index import NameIndex
from service.screening.errors import WATCHLIST_INVALID
from service.screening.names import normalize
from service.screening.settings import ScreeningSettings
from service.screening.synthetic import END_MARK, NAMES, NULL, SEED, synthetic_list

WATCHLIST = "watchlist"  # its name among what engines hold
SDN_COLUMNS = 12  # entity number, name, type, program, …
ALT_COLUMNS = 5  # entity number, alias number, alias type, alias, remarks


@dataclass(frozen=True, slots=True)
class Entry:
    row: int  # position in the list: first the names of sdn.csv, then the aliases of alt.csv
    uid: str  # the entity number; an entity's aliases share it
    name: str
    normalized: str


@dataclass(frozen=True)
class Watchlist:
    entries: tuple[Entry, ...]
    source: str  # where it came from, for people

    @cached_property
    def index(self) -> NameIndex:
        return NameIndex.build([entry.normalized for entry in self.entries])

    @cached_property
    def hit_beginnings(self) -> Blobs:
        """Of each row the JSON of a hit, up to the score."""
        return Blobs.pack([to_json(asdict(entry))[:-1] + b',"score":' for entry in self.entries])


def hold(settings: ScreeningSettings) -> Held:
    """What engines keep between calls. Raises: ServiceError watchlist_invalid."""
    return {WATCHLIST: load(settings.watchlist)}


def load(directory: Path | None) -> Watchlist:
    """The list in a directory (sdn.csv, and alt.csv beside it), or the synthetic one for None.

    Raises: ServiceError watchlist_invalid, naming file, line, expectation and what came.
    """
    if directory is None:
        primary, aliases = synthetic_list(NAMES, SEED)
        return _watchlist(primary, aliases, f"synthetic, {NAMES} names, seed {SEED}")
    primary = [(row[0], row[1]) for row in _rows(directory / "sdn.csv", SDN_COLUMNS, name_column=1)]
    if not primary:
        raise _invalid(f"{directory / 'sdn.csv'}: expected at least one entry, got none")
    known = {uid for uid, _ in primary}
    aliases = []
    for line, row in enumerate(_rows(directory / "alt.csv", ALT_COLUMNS, name_column=3), 1):
        if row[0] not in known:
            raise _invalid(
                f"{directory / 'alt.csv'}, row {line}: expected an entity of sdn.csv, "
                f"got {shown(row[0])} (are the two files of one release?)"
            )
        aliases.append((row[0], row[3]))
    return _watchlist(primary, aliases, str(directory))


def _watchlist(
    primary: list[tuple[str, str]], aliases: list[tuple[str, str]], source: str
) -> Watchlist:
    entries = []
    for row, (uid, name) in enumerate([*primary, *aliases]):
        try:
            entries.append(Entry(row, uid, name, normalize(name)))
        except ServiceError as error:
            raise _invalid(f"{source}, entity {uid}: {error}") from error
    return Watchlist(tuple(entries), source)


def _rows(path: Path, columns: int, name_column: int) -> Iterator[list[str]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _invalid(f"{path}: expected a readable file, got: {error.strerror}") from error
    # The mark is the only sign that the last rows are there: a list that was cut
    # short at the end of a line would otherwise screen nobody and tell nobody.
    if not content.endswith(END_MARK):
        raise _invalid(
            f"{path}: expected the end mark 0x1A as last byte, got "
            f"{shown(content[-1:]) if content else 'an empty file'} after {len(content)} bytes "
            "(cut short?)"
        )
    try:
        lines = content.removesuffix(END_MARK).decode().splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise _invalid(
            f"{path}: expected UTF-8, got {error.reason} at byte {error.start}"
        ) from error
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            if len(row) != columns:
                raise _invalid(
                    f"{path}, line {reader.line_num}: expected {columns} columns, got {len(row)}"
                )
            if not row[0].isdecimal() or row[name_column] in ("", NULL):
                raise _invalid(
                    f"{path}, line {reader.line_num}: expected an entity number and a name, "
                    f"got {shown(row[0])} and {shown(row[name_column])}"
                )
            yield row
    except csv.Error as error:
        raise _invalid(f"{path}, line {reader.line_num}: expected CSV, got: {error}") from error


def _invalid(message: str) -> ServiceError:
    return ServiceError(WATCHLIST_INVALID, message)
