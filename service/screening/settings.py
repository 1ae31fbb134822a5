"""The sample's settings, on top of the platform's."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from service.settings import Settings


class ScreeningSettings(Settings):
    watchlist: Path | None = Field(
        None,
        description="directory with sdn.csv and alt.csv, in any case; a synthetic list by default",
    )
