"""The application's settings, on top of the platform's: environment variables, documented here."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from service.settings import Settings


class NearestSettings(Settings):
    places: Path | None = Field(
        None, description="CSV file with the columns name, lat, lon; made-up places by default"
    )
