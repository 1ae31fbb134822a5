"""uvicorn's protocol, with one system call for an answer instead of two."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite(HttpToolsProtocol):
    """uvicorn writes the head, then the body, and uvloop hands each to the kernel at once, which
    for a small answer is a large part of its cost."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        gathering = cast(asyncio.Transport, Gathering(transport, self.loop))
        super().connection_made(gathering)


class Gathering:
    """What uvicorn and the edge use of a transport. Keeps the first bytes until the next ones come,
    or until the loop's next turn: a stream's head does not wait for its body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._kept = b""
        self.end = transport.close  # what closing means; the edge has another one
        self.abort = transport.abort
        self.get_extra_info = transport.get_extra_info
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        if self._kept:
            data, self._kept = self._kept + data, b""
            self._transport.write(data)
        elif data:
            self._kept = data
            self._loop.call_soon(self._flush)

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self.end()

    def _flush(self) -> None:
        if self._kept:
            data, self._kept = self._kept, b""
            self._transport.write(data)
