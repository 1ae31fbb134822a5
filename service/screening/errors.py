"""The sample's error codes, on top of the platform's."""

from __future__ import annotations

from service.errors import Code

PAYMENT_INVALID = Code("payment_invalid", 422, "The payment breaks a rule")
WATCHLIST_INVALID = Code("watchlist_invalid", 500, "The watchlist cannot be used", at_start=True)

CODES = (PAYMENT_INVALID, WATCHLIST_INVALID)
