"""What the gateway is told of the sample."""

from __future__ import annotations

from collections.abc import Mapping

from service import cache
from service.screening import synthetic
from service.screening.settings import ScreeningSettings


def environment(settings: ScreeningSettings) -> Mapping[str, str]:
    """The list as files, as it cannot be handed over: the synthetic one is written to the user's
    cache. Raises: ServiceError not_configured where there is no place for one."""
    directory = settings.watchlist
    if directory is None:
        directory = cache.directory() / f"synthetic-{synthetic.NAMES}-{synthetic.SEED}"
        synthetic.write_synthetic(directory)
    return {"HOTPATH_WATCHLIST": str(directory.resolve())}
