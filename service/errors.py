"""The one error type that users see, and the one table of its codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    status: int  # HTTP
    title: str
    retry_after_s: int | None = None


CODES: dict[str, Code] = {
    "malformed_json": Code(400, "The body is not JSON"),
    "bad_request": Code(400, "The request is not valid HTTP"),
    "override_disabled": Code(403, "Choosing an engine per request is not allowed"),
    "not_found": Code(404, "There is nothing here"),
    "method_not_allowed": Code(405, "The method is not allowed here"),
    "idempotency_conflict": Code(409, "The same request is being carried out", retry_after_s=1),
    "body_too_large": Code(413, "The body is too large"),
    "unsupported_media_type": Code(415, "The body has the wrong media type"),
    "invalid_argument": Code(422, "The input is not valid"),
    "unknown_engine": Code(422, "There is no such engine"),
    "engine_unavailable": Code(422, "The engine is not installed"),
    "payment_invalid": Code(422, "The payment breaks a rule"),
    "idempotency_key_reused": Code(422, "The key was used for another request"),
    "database_outdated": Code(500, "The database lacks a migration"),
    "watchlist_invalid": Code(500, "The watchlist cannot be used"),
    "internal": Code(500, "Something broke inside the service"),
    "upstream_failed": Code(502, "No upstream gave a usable answer"),
    "overloaded": Code(503, "The service is at its limit", retry_after_s=1),
    "engine_down": Code(503, "The engine does not answer", retry_after_s=1),
    "database_unavailable": Code(503, "The database does not answer", retry_after_s=1),
    "not_configured": Code(503, "The service is not set up for this"),
    "upstream_timeout": Code(504, "No upstream answered in time"),
    "deadline_exceeded": Code(504, "The request ran out of time"),
}


class ServiceError(Exception):
    """An error with a stable code and a message made for the caller.

    The message names the field, what was expected and what came:
    `cutoff: expected 0 to 1, got 1.5`. Internal causes are chained, not shown.
    """

    def __init__(self, code: str, message: str, fields: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(code, message, fields)  # all of it, so that it survives pickling
        self.code = code
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    @property
    def kind(self) -> Code:
        return CODES[self.code]


def shown(value: Any, limit: int = 60) -> str:
    """A short ASCII rendering of what came, safe for every output."""
    text = ascii(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
