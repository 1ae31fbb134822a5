"""Statements of SQLAlchemy Core, made ready for a driver once.

What SQLAlchemy does around one small execution costs several times what the database does:
docs/ladder.md has the figures. Tables, columns, types and expressions stay the same; given up is
what is only known at execution: IN with a list, defaults in Python.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Dialect, Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect as Asyncpg
from sqlalchemy.dialects.sqlite import dialect as Sqlite

Row = Any
"""A named tuple, by the columns' keys."""

_DIALECTS: Mapping[str, Dialect] = {
    "postgresql": Asyncpg(),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
    "sqlite": Sqlite(paramstyle="qmark"),
}

_Convert = Callable[[Any], Any]


class Statement:
    """To be made where modules are loaded; its parameters are those of `bindparam`, and the columns
    of an insert without values."""

    def __init__(self, expression: Executable) -> None:
        self._expression = expression
        self._made: dict[str, Made] = {}

    def on(self, dialect: str) -> Made:
        """dialect: postgresql, whose driver is asyncpg, or sqlite, with Python's own."""
        made = self._made.get(dialect)
        if made is None:
            made = self._made[dialect] = Made(self._expression, _DIALECTS[dialect])
        return made


class Step(NamedTuple):
    """A part of a transaction."""

    statement: Statement
    values: dict[str, Any]


class Made:
    """For one driver. sql: with its own placeholders, in the order of `arguments`."""

    def __init__(self, expression: Any, dialect: Dialect) -> None:
        compiled = expression.compile(dialect=dialect)
        self.sql = str(compiled)
        assert "POSTCOMPILE" not in self.sql, "a part of this is only known at its execution"
        self._binds: list[tuple[str, _Convert | None]] = []
        for name in compiled.positiontup or ():
            kind = compiled.binds[name].type.dialect_impl(dialect)
            self._binds.append((name, kind.bind_processor(dialect)))
        # What the expression itself says, and what the dialect puts in.
        self._constants = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        columns = getattr(expression, "exported_columns", ())
        self._row = _maker([column.key for column in columns])
        converts: list[_Convert | None] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        self._converts = converts if any(converts) else None

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """Raises: KeyError, where one is missing."""
        if self._constants:
            values = self._constants | values
        return [
            values[name] if convert is None else convert(values[name])
            for name, convert in self._binds
        ]

    def rows(self, found: Iterable[Iterable[Any]]) -> list[Row]:
        if self._converts is None:
            return [self._row(row) for row in found]
        return [
            self._row(
                value if convert is None else convert(value)
                for value, convert in zip(row, self._converts)
            )
            for row in found
        ]


def _maker(names: list[str]) -> Callable[[Iterable[Any]], Row]:
    kind: Any = namedtuple  # its fields are known at run time alone
    make: Callable[[Iterable[Any]], Row] = kind("Row", names, rename=True)._make
    return make


class Driver(Protocol):
    """What `Database` runs statements by."""

    async def fetch(self, statement: Made, values: dict[str, Any]) -> list[Row]:
        """A statement that commits by itself. Raises: the driver's errors."""
        ...

    async def execute(self, steps: list[tuple[Made, dict[str, Any]]]) -> int:
        """One transaction: all steps, up to the first that finds nothing, which takes back those
        before it; of the last one it does not matter what it finds.

        Returns: how many steps were done. Raises: the driver's errors.
        """
        ...

    def failed(self) -> None:
        """What is open may lead to what is gone: it is opened anew."""
        ...

    async def close(self) -> None: ...
