"""What the gateway is told of the application."""

from __future__ import annotations

from collections.abc import Mapping

from service import cache
from service.nearest import places
from service.nearest.settings import NearestSettings


def environment(settings: NearestSettings) -> Mapping[str, str]:
    """The places as a file, as they cannot be handed over: those made up are written to the
    user's cache. Raises: ServiceError places_invalid, not_configured."""
    path = settings.places
    if path:
        places.read(path)  # the gateway takes for granted that it is right
    else:
        path = cache.directory() / f"places-{places.COUNT}-{places.SEED}.csv"
        places.write(path, places.made_up(places.COUNT, places.SEED))
    return {"HOTPATH_PLACES": str(path.resolve())}
