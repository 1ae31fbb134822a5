"""One app twice, compiled and plain, and requests as raw as ASGI has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.types import Message

from service.compiled import CompiledRoutes, compile_routes

Headers = Sequence[tuple[bytes, bytes]]
JSON: Headers = ((b"content-type", b"application/json"),)


@dataclass(frozen=True)
class Asked:
    method: str = "GET"
    path: str = "/"
    query: bytes = b""
    headers: Headers = ()
    chunks: tuple[bytes, ...] = ()
    leaves: bool = False
    """The client is gone before the body is there."""
    fails: Exception | None = None
    """What `receive` raises after the chunks, as a middleware's may."""
    send_fails: Exception | None = None
    """What the first message of the answer meets."""
    scope: dict[str, Any] = field(default_factory=dict)


def get(path: str, query: bytes = b"", headers: Headers = (), **more: Any) -> Asked:
    return Asked("GET", path, query, headers, **more)


def post(
    path: str, content: Any, query: bytes = b"", headers: Headers = JSON, **more: Any
) -> Asked:
    """content: bytes as they are, or what becomes JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Asked("POST", path, query, headers, (body,), **more)


@dataclass
class Answer:
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    error: str = ""
    """The exception that came out of the app."""
    calls: list[Any] = field(default_factory=list)
    """What the app's own functions noted in app.state.calls."""
    noted: dict[str, Any] = field(default_factory=dict)
    """What the scope says of the route afterwards, which middleware reads."""
    messages: int = field(default=0, compare=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Twins:
    def __init__(self, make: Callable[[], FastAPI]) -> None:
        self.plain, self.app = make(), make()
        self.compiled: CompiledRoutes = compile_routes(self.app)
        self._runner = asyncio.Runner()

    def close(self) -> None:
        self._runner.close()

    @property
    def answered(self) -> int:
        """Requests that did without FastAPI."""
        return sum(route.answered for route in self.compiled.routes())

    def same(self, asked: Asked, compiled: bool | None = None) -> Answer:
        """Both answer alike, and the app's own functions were called alike. compiled: whether
        it is to be answered without FastAPI, where that is known."""
        expected = self._runner.run(exchange(self.plain, asked))
        found, was_compiled = self.ask(asked)
        assert found == expected
        if compiled is not None:
            assert was_compiled is compiled, self.reasons()
        return found

    def ask(self, asked: Asked) -> tuple[Answer, bool]:
        """The compiled one alone: its answer, and whether it did without FastAPI."""
        before = self.answered
        found = self._runner.run(exchange(self.app, asked))
        return found, self.answered - before == 1

    def reasons(self) -> dict[str, str]:
        """By path, why FastAPI answers a route; empty where it is compiled."""
        return {route.path: route.reason for route in self.compiled.routes()}


async def exchange(app: FastAPI, asked: Asked) -> Answer:
    answer = Answer()
    app.state.calls = answer.calls
    messages: list[Message | Exception] = [
        {
            "type": "http.request",
            "body": chunk,
            "more_body": place < len(asked.chunks) or bool(asked.leaves or asked.fails),
        }
        for place, chunk in enumerate(asked.chunks or (b"",), 1)
    ]
    if asked.fails:
        messages.append(asked.fails)
    messages.reverse()
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": asked.path.encode("utf-8", "surrogatepass"),
        "query_string": asked.query,
        "root_path": "",
        "headers": list(asked.headers),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": {"made": "by the lifespan"},
    } | asked.scope

    async def receive() -> Message:
        if not messages:
            return {"type": "http.disconnect"}
        message = messages.pop()
        if isinstance(message, Exception):
            raise message
        return message

    async def send(message: Message) -> None:
        answer.messages += 1
        if asked.send_fails is not None:
            raise asked.send_fails
        if message["type"] == "http.response.start":
            assert answer.status is None
            answer.status = message["status"]
            answer.headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
        else:
            answer.body += bytes(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception as error:
        answer.error = f"{type(error).__name__}: {error}"
    endpoint = scope.get("endpoint")
    answer.noted = {
        "endpoint": getattr(endpoint, "__name__", None),
        "path_params": repr(scope.get("path_params")),
        "route": getattr(scope.get("route"), "path", None),
        "has_router": "router" in scope,
    }
    return answer
