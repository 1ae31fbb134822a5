"""The things that are kept."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Table, Text, Uuid

from service.store.schema import Schema, new_metadata
from service.store.tables import Instant

METADATA = new_metadata()
SCHEMA = Schema("toy", METADATA, Path(__file__).parent / "migrations")

THINGS = Table(
    "things",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
