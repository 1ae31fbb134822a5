"""What the gateway is told of the sample."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from service.screening import synthetic
from service.screening.settings import ScreeningSettings


def environment(settings: ScreeningSettings) -> Mapping[str, str]:
    """The list as files, as it cannot be handed over: the synthetic one is written to the user's
    cache."""
    directory = settings.watchlist
    if directory is None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        directory = cache / "hotpath" / f"synthetic-{synthetic.NAMES}-{synthetic.SEED}"
        synthetic.write_synthetic(directory)
    return {"HOTPATH_WATCHLIST": str(directory.resolve())}
