"""What we use of others although it is not public: where it moves, these tests say so first."""

from __future__ import annotations

import asyncio
import inspect
import re

import aiohttp
from uvicorn.protocols.http import flow_control, httptools_impl

from service.http.one_write import OneWrite, _Gathering


def test_uvicorn_uses_nothing_of_a_transport_that_one_write_lacks() -> None:
    source = inspect.getsource(httptools_impl) + inspect.getsource(flow_control)
    used = set(re.findall(r"\btransport\.(\w+)", source))
    assert used, "uvicorn no longer calls it `transport`: look at service/http/one_write.py"
    loop = asyncio.new_event_loop()
    try:
        offered = _Gathering(asyncio.Transport(), loop)
        # set_protocol is for WebSockets, which are off.
        lacking = [name for name in used - {"set_protocol"} if not hasattr(offered, name)]
    finally:
        loop.close()
    assert not lacking, f"uvicorn uses {lacking} of a transport; see service/http/one_write.py"


def test_uvicorn_has_the_protocol_that_one_write_builds_on() -> None:
    parameters = list(inspect.signature(OneWrite.__mro__[1].connection_made).parameters)
    assert parameters == ["self", "transport"], "see service/http/one_write.py"


async def _session() -> aiohttp.ClientSession:
    async with aiohttp.ClientSession() as session:
        return session


def test_aiohttp_has_the_switch_that_ends_its_retries() -> None:
    session = asyncio.run(_session())
    assert vars(session).get("_retry_connection") is True, (
        "aiohttp has renamed it: look for another way in service/http/upstreams.py"
    )
