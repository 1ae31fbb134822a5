"""The question that most tests ask a server of the sample."""

from __future__ import annotations

import httpx2

from tests.servers import Server


def match(
    server: Server, *names: str, engine: str | None = None, **body: object
) -> httpx2.Response:
    headers = {"X-Engine": engine} if engine else {}
    return server.client.post("/v1/matches", json={"names": names, **body}, headers=headers)
