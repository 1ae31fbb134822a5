"""What the tests send, and the problems that they expect."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import httpx2

from tests.raw import Answer

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PAYMENT_FIELDS = (
    "end_to_end_id",
    "debtor_name",
    "debtor_iban",
    "creditor_name",
    "creditor_iban",
    "creditor_bic",
    "currency",
    "amount",
)
# Status and title by code, as clients have come to know them.
PROBLEMS = {
    "malformed_json": (400, "The body is not JSON"),
    "bad_request": (400, "The request is not valid HTTP"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "The method is not allowed here"),
    "head_timeout": (408, "The head of the request took too long"),
    "body_timeout": (408, "The body of the request took too long"),
    "idempotency_conflict": (409, "The same request is being carried out"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body has the wrong media type"),
    "invalid_argument": (422, "The input is not valid"),
    "payment_invalid": (422, "The payment breaks a rule"),
    "idempotency_key_reused": (422, "The key was used for another request"),
    "head_too_large": (431, "The head of the request is too large"),
    "upstream_failed": (502, "No upstream gave a usable answer"),
    "overloaded": (503, "The service is at its limit"),
    "stopping": (503, "The service is stopping"),
    "database_unavailable": (503, "The database does not answer"),
    "not_configured": (503, "The service is not set up for this"),
    "upstream_timeout": (504, "No upstream answered in time"),
}
RETRY_AFTER = {"idempotency_conflict": "1", "database_unavailable": "1"}

_numbers = count(1)


def new_id(prefix: str = "INV") -> str:
    return f"{prefix}-{next(_numbers)}"


def payment(**fields: Any) -> dict[str, Any]:
    """A payment that breaks no rule, with an end-to-end id that no other has."""
    return {
        "end_to_end_id": new_id(),
        "debtor_name": "Zia Logistics GmbH",
        "debtor_iban": "DE89370400440532013000",
        "creditor_name": "Jon Smyth",
        "creditor_iban": "GB29NWBK60161331926819",
        "creditor_bic": "NWBKGB2L",
        "currency": "EUR",
        "amount": "1234.50",
    } | fields


def problem(
    response: httpx2.Response, code: str, *fields: str, messages: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Asserts that the answer is this problem, with these fields at fault, in this order."""
    status, title = PROBLEMS[code]
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    document = response.json()
    assert (response.status_code, document["code"]) == (status, code), document
    assert document["status"] == status
    assert document["title"] == title
    assert document["type"] == "about:blank"
    assert document["detail"]
    assert document["request_id"] == response.headers["X-Request-ID"]
    found = document.get("errors", [])
    assert [error["field"] for error in found] == list(fields), document
    assert all(error.keys() == {"field", "message"} and error["message"] for error in found)
    if messages:
        assert [error["message"] for error in found] == list(messages)
    assert response.headers.get("Retry-After") == RETRY_AFTER.get(code)
    keys = {"type", "title", "status", "detail", "code", "request_id"}
    assert document.keys() == keys | ({"errors"} if fields else set())
    return document


def is_problem(answer: Answer, code: str) -> None:
    """Of an answer as it came over the wire."""
    status, title = PROBLEMS[code]
    problem = answer.json()
    assert (answer.status, problem["code"], problem["title"]) == (status, code, title)
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == problem["request_id"]
    assert "date" in answer.headers
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)
