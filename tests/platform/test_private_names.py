"""What we use of others although it is not public: where it moves, these tests say so first."""

from __future__ import annotations

import asyncio
import inspect
import re

import aiohttp
import httptools
import pytest
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.supervisors import multiprocess

from service.errors import ServiceError
from service.http.one_write import Gathering, OneWrite


def test_uvicorn_uses_nothing_of_a_transport_that_one_write_lacks() -> None:
    source = inspect.getsource(httptools_impl) + inspect.getsource(flow_control)
    used = set(re.findall(r"\btransport\.(\w+)", source))
    assert used, "uvicorn no longer calls it `transport`: look at service/http/one_write.py"
    loop = asyncio.new_event_loop()
    try:
        offered = Gathering(asyncio.Transport(), loop)
        # set_protocol is for WebSockets, which are off.
        lacking = [name for name in used - {"set_protocol"} if not hasattr(offered, name)]
    finally:
        loop.close()
    assert not lacking, f"uvicorn uses {lacking} of a transport; see service/http/one_write.py"


def test_uvicorn_has_the_protocol_that_one_write_builds_on() -> None:
    parameters = list(inspect.signature(OneWrite.__mro__[1].connection_made).parameters)
    assert parameters == ["self", "transport"], "see service/http/one_write.py"


def test_uvicorn_has_what_the_edge_builds_on() -> None:
    """Where one of these fails: service/http/edge.py uses a name that uvicorn has changed."""
    cycle = inspect.getsource(httptools_impl.RequestResponseCycle)
    protocol = inspect.getsource(httptools_impl.HttpToolsProtocol)
    for name in ("scope", "response_started", "response_complete", "more_body", "disconnected"):
        assert f"self.{name} = " in cycle
    assert "self.on_response()" in cycle  # looked up when the answer is complete
    assert "self.message_event.set()" in cycle
    for name in ("parser", "headers", "url", "scope", "cycle", "pipeline", "loop"):
        assert f"self.{name}: " in protocol or f"self.{name} = " in protocol
    for callback in ("on_headers_complete", "on_body", "on_message_complete"):
        assert f"def {callback}(" in protocol
    assert "self.headers.append((name, value))" in protocol
    assert '"headers": self.headers,' in protocol  # a list of the request's own, kept by the scope
    assert "def _unset_keepalive_if_required(self)" in protocol
    assert "self.server_state.default_headers" in protocol
    assert httptools_impl.STATUS_LINE[431].endswith(b" 431 Request Header Fields Too Large\r\n")


def test_a_parser_tells_what_its_callback_raised() -> None:
    raised = ServiceError("head_too_large", "x")

    class Refusing:
        def on_headers_complete(self) -> None:
            raise raised

    with pytest.raises(httptools.HttpParserError) as found:
        httptools.HttpRequestParser(Refusing()).feed_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert found.value.__context__ is raised, "see service/http/edge.py"


def test_uvicorns_supervisor_has_what_a_failed_start_is_told_by() -> None:
    source = inspect.getsource(multiprocess)
    for used in (
        "self.init_processes()",
        "self.processes.append(process)",
        "self.parent_conn, self.child_conn = Pipe()",
        "process.exitcode == STARTUP_FAILURE",
    ):
        assert used in source, "see service/servers.py"
    assert STARTUP_FAILURE == 3, "see service/wiring.py"


async def _session() -> aiohttp.ClientSession:
    async with aiohttp.ClientSession() as session:
        return session


def test_aiohttp_has_the_switch_that_ends_its_retries() -> None:
    session = asyncio.run(_session())
    assert vars(session).get("_retry_connection") is True, (
        "aiohttp has renamed it: look for another way in service/http/upstreams.py"
    )
