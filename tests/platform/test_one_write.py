"""Head and body leave in one piece, a stream's head at once; all bytes in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.one_write import OneWrite
from tests.servers import free_port

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = bytes(range(256)) * 20_000


def answering(*bodies: bytes, length: int | None, pause: asyncio.Event | None = None) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [] if length is None else [(b"content-length", b"%d" % length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if pause:
            await pause.wait()
        for number, body in enumerate(bodies, 1):
            more = number < len(bodies)
            await send({"type": "http.response.body", "body": body, "more_body": more})

    return app


@asynccontextmanager
async def connected(
    app: ASGIApp,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    port = free_port()
    config = uvicorn.Config(
        app, port=port, http=OneWrite, ws="none", lifespan="off", log_level="warning"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def writes_of(monkeypatch: pytest.MonkeyPatch, app: ASGIApp) -> tuple[list[int], bytes]:
    """How many bytes went to the socket in each call, and what arrived of two answers."""
    sizes: list[int] = []
    made = OneWrite.connection_made

    class Counting:
        def __init__(self, transport: Any) -> None:
            self._transport = transport

        def write(self, data: bytes) -> None:
            sizes.append(len(data))
            self._transport.write(data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._transport, name)

    monkeypatch.setattr(OneWrite, "connection_made", lambda self, t: made(self, Counting(t)))
    async with connected(app) as (reader, writer):
        writer.write(GET + GET)  # the second one is in the pipeline
        received = b""
        while received.count(b"HTTP/1.1 200 OK\r\n") < 2 or not received.endswith(b"end"):
            received += await asyncio.wait_for(reader.read(1 << 20), 10)
    return sizes, received


def test_head_and_body_leave_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, received = asyncio.run(writes_of(monkeypatch, answering(b"the end", length=7)))
    assert len(sizes) == 2  # one for each answer
    assert received.count(b"\r\n\r\nthe end") == 2


def test_a_large_body_in_pieces_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    app = answering(LARGE, b"-", LARGE, b"end", length=2 * len(LARGE) + 4)
    _, received = asyncio.run(writes_of(monkeypatch, app))
    assert received.count(b"\r\n\r\n" + LARGE + b"-" + LARGE + b"end") == 2


def test_a_streams_head_does_not_wait_for_its_body() -> None:
    async def heard() -> None:
        pause = asyncio.Event()
        async with connected(answering(b"late", length=None, pause=pause)) as (reader, writer):
            writer.write(GET)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert b"transfer-encoding: chunked" in head
            pause.set()
            assert await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 10) == (
                b"4\r\nlate\r\n0\r\n\r\n"
            )

    asyncio.run(heard())


@pytest.mark.parametrize(
    ("request_", "status"),
    [(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"200"), (b"no\r\n\r\n", b"400")],
)
def test_nothing_is_lost_when_the_server_closes(request_: bytes, status: bytes) -> None:
    async def heard() -> bytes:
        async with connected(answering(b"the end", length=7)) as (reader, writer):
            writer.write(request_)
            return await asyncio.wait_for(reader.read(), 10)

    answer = asyncio.run(heard())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert body == (b"the end" if status == b"200" else b"Invalid HTTP request received.")
