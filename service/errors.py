"""The one error type that users see, and the table of the platform's codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    """status: HTTP's. at_start: what the operator gave is at fault, not the service; for codes
    that end a program before it serves."""

    name: str
    status: int
    title: str
    retry_after_s: int | None = None
    at_start: bool = False


CODES: dict[str, Code] = {
    code.name: code
    for code in (
        Code("malformed_json", 400, "The body is not JSON"),
        Code("bad_request", 400, "The request is not valid HTTP"),
        Code("override_disabled", 403, "Choosing an engine per request is not allowed"),
        Code("not_found", 404, "There is nothing here"),
        Code("method_not_allowed", 405, "The method is not allowed here"),
        Code("head_timeout", 408, "The head of the request took too long"),
        Code("body_timeout", 408, "The body of the request took too long"),
        Code("idempotency_conflict", 409, "The same request is being carried out", retry_after_s=1),
        Code("body_too_large", 413, "The body is too large"),
        Code("unsupported_media_type", 415, "The body has the wrong media type"),
        Code("invalid_argument", 422, "The input is not valid"),
        Code("unknown_engine", 422, "There is no such engine"),
        Code("engine_unavailable", 422, "The engine is not installed"),
        Code("idempotency_key_reused", 422, "The key was used for another request"),
        Code("head_too_large", 431, "The head of the request is too large"),
        Code("database_outdated", 500, "The database lacks a migration"),
        Code("internal", 500, "Something broke inside the service"),
        Code("upstream_failed", 502, "No upstream gave a usable answer"),
        Code("overloaded", 503, "The service is at its limit", retry_after_s=1),
        Code("stopping", 503, "The service is stopping", retry_after_s=1),
        Code("engine_down", 503, "The engine does not answer", retry_after_s=1),
        Code("database_unavailable", 503, "The database does not answer", retry_after_s=1),
        Code("not_configured", 503, "The service is not set up for this"),
        Code("upstream_timeout", 504, "No upstream answered in time"),
        Code("deadline_exceeded", 504, "The request ran out of time"),
    )
}
"""Those of the platform; a domain brings its own."""


class ServiceError(Exception):
    """An error with a stable code and a message made for the caller.

    The message names the field, what was expected and what came:
    `cutoff: expected 0 to 1, got 1.5`. Internal causes are chained, not shown.
    """

    def __init__(
        self, code: str | Code, message: str, fields: tuple[dict[str, str], ...] = ()
    ) -> None:
        """code: one of the domain's, or the name of one of CODES."""
        super().__init__(code, message, fields)  # all of it, so that it survives pickling
        self.kind = code if isinstance(code, Code) else CODES[code]
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    @property
    def code(self) -> str:
        return self.kind.name

    @property
    def is_input(self) -> bool:
        """Whether what came is at fault."""
        return self.kind.status < 500 or self.kind.at_start


def shown(value: Any, limit: int = 60) -> str:
    """A short ASCII rendering of what came, safe for every output."""
    text = ascii(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
