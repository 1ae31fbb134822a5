"""The channel to a sidecar: past any proxy, waited for with a word, its limit told."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from hotpath_go import sidecar_path

from service.errors import ServiceError
from service.offload.remote import channel
from tests.servers import free_port


@pytest.fixture
def on_tcp() -> Iterator[str]:
    """The address of a sidecar that listens on TCP."""
    command = [str(sidecar_path()), "-listen", "tcp:127.0.0.1:0", "-exit-on-stdin-close"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        yield json.loads(process.stdout.readline())["address"].removeprefix("tcp:")
        process.stdin.close()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a proxy that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    "names",
    [
        *(("grpc_proxy",), ("http_proxy",), ("https_proxy",), ("all_proxy",)),
        *(("HTTP_PROXY",), ("HTTPS_PROXY",), ("ALL_PROXY",)),
        ("GRPC_ADDRESS_HTTP_PROXY", "GRPC_ADDRESS_HTTP_PROXY_ENABLED_ADDRESSES"),
    ],
    ids=lambda names: names[0],
)
def test_no_proxy_of_the_environment_is_asked(
    monkeypatch: pytest.MonkeyPatch, on_tcp: str, silent: int, names: tuple[str, ...]
) -> None:
    for name, text in zip(names, (f"http://127.0.0.1:{silent}", "127.0.0.1")):
        if name == "GRPC_ADDRESS_HTTP_PROXY":
            text = f"127.0.0.1:{silent}"
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("no_proxy", "")
    channel.wait_until_serving(on_tcp, 30)

    async def is_served() -> bool:
        async with channel.connect(on_tcp) as connection:
            return await channel.serving(connection, 30)

    assert asyncio.run(is_served())


def test_a_sidecar_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(channel, "START_TIMEOUT_S", 0.2)
    address = f"127.0.0.1:{free_port()}"
    with caplog.at_level("INFO"):
        with pytest.raises(ServiceError, match=f"serves at {address} within 0.2 s") as caught:
            channel.require(address)
        assert caught.value.code == "engine_down"

        async def open_it() -> None:
            async with channel.connect(address) as connection:
                await channel.wait_until_open(connection, address)

        with pytest.raises(ServiceError, match=f"serves at {address} within 0.2 s"):
            asyncio.run(open_it())
    assert caplog.messages.count(f"waiting for the sidecar at {address}, 0.2 s at most") == 2


METHOD = "/test.Echo/Repeat"


@asynccontextmanager
async def echoing(times: int) -> AsyncIterator[grpc.aio.Channel]:
    """A server that answers with what came, so many times, and has no limit of its own."""

    async def repeat(request: bytes, _: object) -> bytes:
        return BytesValue(value=times * BytesValue.FromString(request).value).SerializeToString()

    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    )
    handler = grpc.unary_unary_rpc_method_handler(repeat)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("test.Echo", {"Repeat": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with channel.connect(f"127.0.0.1:{port}") as connection:
            yield connection
    finally:
        await server.stop(0)


@pytest.mark.parametrize("times", [1, 40], ids=["request", "answer"])
def test_a_message_past_the_limit_is_too_large_and_the_limit_is_told(times: int) -> None:
    """To try again would never help."""

    async def send(size: int) -> int:
        async with echoing(times) as connection:
            with channel.service_errors():
                request = BytesValue(value=bytes(size // times))
                return len((await channel.call(connection, 60, METHOD, request, BytesValue)).value)

    most = channel.MAX_MESSAGE_BYTES
    assert asyncio.run(send(most - 1000)) > most - 1100
    with pytest.raises(ServiceError, match=str(most)) as caught:
        asyncio.run(send(most + 1000))
    assert (caught.value.code, caught.value.kind.retry_after_s) == ("body_too_large", None)
