"""Upstreams that send, byte for byte, what a test wants, and remember what they were asked."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterable
from typing import Any, Self

Script = bytes | Iterable[bytes | float]
"""What goes out before the connection is closed; a float is a pause in seconds."""


def answer(
    body: bytes | str | dict[str, Any], *headers: str, kind: str = "application/json"
) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body)
    content = body.encode() if isinstance(body, str) else body
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "Connection: close", *headers, "", ""]).encode() + content


class ScriptedUpstreams:
    """answers: by name what its upstream sends. requests: by name the heads that came."""

    def __init__(self) -> None:
        self.answers: dict[str, Script] = {}
        self.requests: dict[str, list[str]] = {}
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = []
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    head.append(line.decode("latin-1").rstrip())
                if not head:
                    return
                name = head[0].split()[1].partition("?")[0].removeprefix("/")
                outer.requests.setdefault(name, []).append("\n".join(head))
                script = outer.answers[name]
                try:
                    for part in [script] if isinstance(script, bytes) else script:
                        if isinstance(part, bytes):
                            self.wfile.write(part)
                        else:
                            time.sleep(part)
                except OSError:
                    pass  # who asked has heard enough

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self._listener.server_address[1]
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
