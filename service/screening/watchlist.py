"""The watchlist: the OFAC SDN format, and a synthetic list for those who have none."""

from __future__ import annotations

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
from service.screening.rows import Place, rows
from service.screening.settings import ScreeningSettings
from service.screening.synthetic import NAMES, NULL, SEED, synthetic_list

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
        named = [(uid, name, normalize(name)) for uid, name in [*primary, *aliases]]
        return _watchlist(named, f"synthetic, {NAMES} names, seed {SEED}")
    named = [found for _, found in _names(directory, "sdn.csv", SDN_COLUMNS, column=1)]
    if not named:
        raise ServiceError(
            WATCHLIST_INVALID, f"{directory / 'sdn.csv'}: expected at least one entry, got none"
        )
    known = {uid for uid, _, _ in named}
    for place, found in _names(directory, "alt.csv", ALT_COLUMNS, column=3):
        if found[0] not in known:
            raise place.invalid(
                f"expected an entity of sdn.csv, got {shown(found[0])} "
                "(are the two files of one release?)"
            )
        named.append(found)
    return _watchlist(named, str(directory))


def _watchlist(named: list[tuple[str, str, str]], source: str) -> Watchlist:
    return Watchlist(tuple(Entry(row, *found) for row, found in enumerate(named)), source)


def _names(
    directory: Path, file: str, columns: int, column: int
) -> Iterator[tuple[Place, tuple[str, str, str]]]:
    """Each row's place, and its entity number, its name and that normalised."""
    for place, row in rows(directory, file, columns):
        uid, name = row[0], row[column]
        if not (uid.isascii() and uid.isdigit()) or name in ("", NULL):
            raise place.invalid(
                f"expected an entity number and a name, got {shown(uid)} and {shown(name)}"
            )
        try:
            yield place, (uid, name, normalize(name))
        except ServiceError as error:
            raise place.invalid(error.message) from error
