"""The payments and screenings that are kept."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, Table, Text, Uuid

from service.store.schema import Schema, new_metadata
from service.store.tables import Instant

METADATA = new_metadata()
SCHEMA = Schema("screening", METADATA, Path(__file__).parent / "migrations")

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("end_to_end_id", Text, nullable=False),
    Column("debtor_name", Text, nullable=False),
    Column("debtor_iban", Text, nullable=False),
    Column("creditor_name", Text, nullable=False),
    Column("creditor_iban", Text, nullable=False),
    Column("creditor_bic", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)
SCREENINGS = Table(
    "screenings",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("engine", Text, nullable=False),
    Column("watchlist", Text, nullable=False),  # version of its index
    Column("cutoff", Double, nullable=False),
    Column("hits_per_name", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("records", LargeBinary, nullable=False),  # canonical JSON, a line each
    Column("results", LargeBinary, nullable=False),  # JSON, as it goes out
)
