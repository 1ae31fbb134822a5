"""Requests byte for byte, as no client's library would send them."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPResponse
from typing import Any


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        kind = self.headers["Content-Type"]
        assert kind == "application/problem+json", (self.status, kind, self.body)
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def outline(self) -> tuple[object, ...]:
        """What two servers must agree on: the status, of a problem its code and fields."""
        if self.headers["Content-Type"] != "application/problem+json" or not self.body:
            return (self.status,)
        errors = self.problem.get("errors", [])
        return self.status, self.problem["code"], [error["field"] for error in errors]


def ask(
    port: int,
    target: str | bytes,
    *fields: str,
    method: str = "GET",
    host: str = "Host: x",
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own. target, fields: as they go out, in Latin-1."""
    if isinstance(target, str):
        target = target.encode("latin-1")
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target)]
    lines += [field.encode("latin-1") for field in (host, *fields, "Connection: close") if field]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"\r\n".join([*lines, b"", b""]) + body)
        response = HTTPResponse(connection, method=method)
        response.begin()
        return Answer(response.status, response.headers, response.read())


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks; goes with Transfer-Encoding: chunked."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
