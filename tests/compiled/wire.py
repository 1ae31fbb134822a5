"""The same bytes to two servers, one with compiled routes and one without."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

# What differs from one answer to the next on the same server, too.
_OWN = (
    (rb"(?m)^(server-timing|date): [^\r]*\r\n", rb""),
    (rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", rb"<id>"),
    (rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", rb"<instant>"),
)


def request(
    method: str, target: bytes, *headers: bytes, body: bytes | None = None, host: bytes = b"h"
) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target), b"host: " + host]
    lines += [b"connection: close", b"x-request-id: the-same", *headers]
    if body is not None and not any(line.lower().startswith(b"transfer-") for line in headers):
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body or b""])


def json_request(target: bytes, content: Any, *headers: bytes) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return request("POST", target, b"content-type: application/json", *headers, body=body)


def chunked(target: bytes, *chunks: bytes) -> bytes:
    parts = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    headers = (b"content-type: application/json", b"transfer-encoding: chunked")
    return request("POST", target, *headers, body=parts)


def answer(port: int, content: bytes) -> bytes:
    """Everything that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(content)
        found = b""
        while part := connection.recv(1 << 16):
            found += part
    return found


def normal(found: bytes) -> bytes:
    for pattern, put in _OWN:
        found = re.sub(pattern, put, found)
    return found


def examples(document: dict[str, Any]) -> Iterator[tuple[str, bytes, Any]]:
    """Method, path and an example of the body (None where it takes none), of every operation."""
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            if not content:
                yield method.upper(), path.encode(), None
                continue
            reference = content["application/json"]["schema"]["$ref"].split("/")[-1]
            for example in schemas[reference]["examples"]:
                yield method.upper(), path.encode(), example


def variations(path: bytes, example: Any) -> Iterator[bytes]:
    """What may be wrong, or unusual, with a request that has this body."""
    body = json.dumps(example).encode()
    yield json_request(path, body)
    yield json_request(path + b"?a=b&a=c", body)
    yield json_request(path, b" \n" + body + b"\t")
    yield json_request(path, body[:-1] + b', "unknown": 1}')
    yield json_request(path, body[:-1])
    yield json_request(path, body + b"x")
    yield json_request(path, b"")
    yield json_request(path, b"null")
    yield json_request(path, b"[]")
    yield json_request(path, b"{}")
    yield json_request(path, b"NaN")
    yield json_request(path, b'{"a": "\xff"}')
    yield json_request(path, body.decode().encode("utf-16"))
    yield json_request(path, b"\xef\xbb\xbf" + body)
    yield json_request(path, b'{"a": "\\ud800"}')
    yield json_request(path, b"[" * 2000)
    yield json_request(path, b'{"a": ' + b"1" * 5000 + b"}")
    yield json_request(path, body, b"idempotency-key: \xff")
    yield json_request(path, body, b"x-engine: none")
    for name, value in example.items():
        for other in (None, "x", "\0", "\ud800", -1, 1e400, [], {}, [[]], [value] * 2, str(value)):
            yield json_request(path, example | {name: other})
        yield json_request(path, {key: kept for key, kept in example.items() if key != name})
        twice = b'{"%b": 1, %b' % (name.encode(), body[1:])
        yield json_request(path, twice)
    yield request("POST", path, body=body)
    yield request("POST", path, b"content-type: text/plain", body=body)
    yield request("POST", path, b"content-type: Application/JSON; charset=utf-8", body=body)
    yield json_request(path, body, b"content-encoding: gzip")
    yield request("POST", path)
    yield chunked(path, body)
    yield chunked(path, body[:3], body[3:])
    for method in ("GET", "HEAD", "PUT", "OPTIONS", "PATCH", "DELETE"):
        yield request(method, path)
    yield json_request(path + b"/", body)
    yield json_request(path.replace(b"/v1", b"/%761"), body)
    yield json_request(path.replace(b"/v1", b"//v1"), body)
    yield json_request(path + b"%0A", body)
    yield json_request(path + b"%FF", body)


def assert_same(compiled: int, plain: int, content: bytes) -> bytes:
    """On the servers' ports. Returns: what both answered."""
    found, expected = (normal(answer(port, content)) for port in (compiled, plain))
    assert found == expected, content
    return found
