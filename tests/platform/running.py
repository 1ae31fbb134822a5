"""The toy domain, served and commanded in processes of their own."""

from __future__ import annotations

from functools import partial

import httpx2

from tests import command_line, servers

TOY = "tests.platform.toy:DOMAIN"

serving = partial(servers.serving, domain=TOY)
hotpath = partial(command_line.hotpath, HOTPATH_DOMAIN=TOY)


def add(
    server: servers.Server, *numbers: int, engine: str | None = None, **more: object
) -> httpx2.Response:
    """more: a fault, how long the call takes, where it waits; see tests/platform/toy/faults.py."""
    headers = {"X-Engine": engine} if engine else {}
    return server.client.post("/v1/sums", json={"numbers": numbers, **more}, headers=headers)
