"""The tables behind /bench/*: the ones that TechEmpower's test types prescribed."""

from __future__ import annotations

import random
from pathlib import Path

from sqlalchemy import Column, Integer, Table, Text, func, select

from service.store.database import Database
from service.store.schema import Schema, new_metadata

METADATA = new_metadata()
SCHEMA = Schema("bench", METADATA, Path(__file__).parent / "migrations")

WORLDS = 10_000
FORTUNES = (
    "fortune: No such file or directory",
    "A computer scientist is someone who fixes things that aren't broken.",
    "After enough decimal places, nobody gives a damn.",
    "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
    "A computer program does what you tell it to do, not what you want it to do.",
    "Emacs is a nice operating system, but I prefer UNIX. — Tom Christaensen",
    "Any program that runs right is obsolete.",
    "A list is only as strong as its weakest link. — Donald Knuth",
    "Feature: A bug with seniority.",
    "Computers make very fast, very accurate mistakes.",
    '<script>alert("This should not be displayed in a browser alert box.");</script>',
    "フレームワークのベンチマーク",  # part of the prescribed rows
)

WORLD = Table(
    "world",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("randomnumber", Integer, nullable=False),
)
FORTUNE = Table(
    "fortune",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("message", Text, nullable=False),
)


async def fill(database: Database) -> None:
    """Writes the prescribed rows where they are missing."""
    draw = random.Random(1)
    async with database.write(alone=True) as connection:
        if await connection.scalar(select(func.count()).select_from(WORLD)) == WORLDS:
            return
        await connection.execute(WORLD.delete())
        await connection.execute(FORTUNE.delete())
        await connection.execute(
            WORLD.insert(),
            [{"id": n, "randomnumber": draw.randint(1, WORLDS)} for n in range(1, WORLDS + 1)],
        )
        await connection.execute(
            FORTUNE.insert(), [{"id": n, "message": text} for n, text in enumerate(FORTUNES, 1)]
        )
