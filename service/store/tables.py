"""The schema of the platform's own tables, and what columns of all tables share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, DateTime, Dialect, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.types import TypeDecorator

from service.store.schema import Schema, new_metadata

METADATA = new_metadata()
SCHEMA = Schema("platform", METADATA, Path(__file__).parent / "migrations" / "versions")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: TIMESTAMPTZ on PostgreSQL, text without an offset on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", Text),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "created_at"),
)


def instant_text(moment: datetime) -> str:
    """RFC 3339 in UTC, always with six decimals."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
