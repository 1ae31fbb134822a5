"""The application's error codes, on top of the platform's."""

from __future__ import annotations

from service.errors import Code

PLACES_INVALID = Code("places_invalid", 500, "The places cannot be used", at_start=True)

CODES = (PLACES_INVALID,)
