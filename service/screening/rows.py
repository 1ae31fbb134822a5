"""The rows of a file of the OFAC SDN format: CSV in UTF-8, by one rule for every reader.

CSV is what RFC 4180 says, with lines that end as CRLF, LF or CR, blank lines between, and a byte
order mark at the start. Every other character is a field's, U+2028 and form feeds included, but
for NUL, which no text has. Libraries differ in all of this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from service.errors import ServiceError, shown
from service.screening.errors import WATCHLIST_INVALID
from service.screening.synthetic import END_MARK

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile("\r\n|\r|\n")
_QUOTED = '"([^"]*+(?:""[^"]*+)*+)"'
_FIELD = re.compile(_QUOTED + '|([^,"\r\n]*+)')
_FIELD_AND_END = re.compile(rf"(?:{_FIELD.pattern})(,|{_LINE_END.pattern}|\Z)")


class Place(NamedTuple):
    path: Path
    line: int  # from 1

    def invalid(self, what: str) -> ServiceError:
        return ServiceError(WATCHLIST_INVALID, f"{self.path}, line {self.line}: {what}")


def rows(directory: Path, name: str, columns: int) -> Iterator[tuple[Place, list[str]]]:
    """Each row, and where it begins.

    name: of the file, in lower case; the Treasury's are in upper case.
    Raises: ServiceError watchlist_invalid, naming file, line, expectation and what came.
    """
    path = _find(directory, name)
    text = _text(path)
    at, line = 0, 1
    while at < len(text):
        first, row, is_blank = line, [], True
        while True:
            field = _FIELD_AND_END.match(text, at)
            if field is None:
                raise Place(path, line).invalid(_fault(text, at))
            quoted, plain, end = field.groups()
            if quoted is None:
                row.append(plain)
            else:
                is_blank = False
                row.append(quoted.replace('""', '"'))
                line += len(_LINE_END.findall(quoted))
            at = field.end()
            if end != ",":
                break
        line += 1
        if is_blank and row == [""]:
            continue
        begin = Place(path, first)
        if len(row) != columns:
            raise begin.invalid(f"expected {columns} columns, got {len(row)}")
        yield begin, row


def _fault(text: str, place: int) -> str:
    field = _FIELD.match(text, place)
    assert field is not None  # it may be empty
    if field[1] is not None:
        after = shown(text[field.end()])
        return f"expected a comma or the end of the line after a closing quote, got {after}"
    if field.end() == place:
        return "expected a closing quote, got the end of the file"
    return f"expected quotes around a field with a quote in it, got {shown(field[0])}"


def _find(directory: Path, name: str) -> Path:
    try:
        found = sorted(path for path in directory.iterdir() if path.name.lower() == name)
    except OSError:
        found = []  # to read the file will say why
    if len(found) > 1:
        raise ServiceError(
            WATCHLIST_INVALID,
            f"{directory}: expected one {name}, got {' and '.join(path.name for path in found)}",
        )
    return found[0] if found else directory / name


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ServiceError(
            WATCHLIST_INVALID, f"{path}: expected a readable file, got: {error.strerror}"
        ) from error
    # The mark is the only sign that the last rows are there: a list that was cut
    # short at the end of a line would otherwise screen nobody and tell nobody.
    if not content.endswith(END_MARK):
        raise ServiceError(
            WATCHLIST_INVALID,
            f"{path}: expected the end mark 0x1A as last byte, got "
            f"{shown(content[-1:]) if content else 'an empty file'} after {len(content)} bytes "
            "(cut short?)",
        )
    content = content.removesuffix(END_MARK).removeprefix(_BOM)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        raise _at(path, before).invalid(f"expected UTF-8, got {error.reason}") from error
    before, nul, _ = text.partition("\0")
    if nul:
        raise _at(path, before).invalid("expected text, got NUL")
    return text


def _at(path: Path, before: str) -> Place:
    return Place(path, 1 + len(_LINE_END.findall(before)))
