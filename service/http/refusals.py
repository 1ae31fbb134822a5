"""Answers of the edge, which no application gave, as they go over the wire."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.errors import ServiceError
from service.http.problems import full, problem_response

_SOME_ID = "0" * 32


def refusal(error: ServiceError, request_id: str, more: bytes = b"") -> bytes:
    """All of the answer, without the fields that the server gives to each.

    more: fields, each with its line's end.
    """
    answer = problem_response(error, request_id)
    fields = b"".join(b"%b: %b\r\n" % field for field in answer.raw_headers)
    named = b"x-request-id: %b\r\n" % request_id.encode()
    return STATUS_LINE[answer.status_code] + fields + named + more + b"\r\n" + bytes(answer.body)


def as_sent(answer: bytes, given: Iterable[tuple[bytes, bytes]]) -> bytes:
    """given: the fields that the server gives to each answer."""
    line, end, rest = answer.partition(b"\r\n")
    return b"".join((line, end, *(b"%b: %b\r\n" % field for field in given), rest))


def refusal_when_full(request_id: str) -> bytes:
    """For what is to cost next to nothing. request_id: of 32 characters."""
    return _when_full().replace(_SOME_ID.encode(), request_id.encode())


@cache
def _when_full() -> bytes:
    return refusal(full(), _SOME_ID)


@cache
def refusal_of_connection() -> bytes:
    """For one that is not let in: whatever it wants to send is not read."""
    error = ServiceError("overloaded", "there are too many connections; retry later")
    return refusal(error, uuid4().hex, b"connection: close\r\n")
