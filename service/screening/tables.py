"""The schema of the payments and screenings that are kept."""

from __future__ import annotations

from pathlib import Path

from service.store.schema import Schema, new_metadata

METADATA = new_metadata()
SCHEMA = Schema("screening", METADATA, Path(__file__).parent / "migrations")
