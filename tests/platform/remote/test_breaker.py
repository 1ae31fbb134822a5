"""A sidecar that goes away: its callers are told at once, some are answered all the same, and it
is found again when it is back."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest

from service.offload.remote import breaker, channel
from service.offload.remote.channel import Channel, connect
from tests.platform.remote.peer import HEALTH, REPLY, Peer, Refused, ask, connected, serve

LONG_S = 120.0  # a call that waited for its deadline would show


@pytest.fixture(autouse=True, params=["together", "one by one"])
def coalesce(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "together")


@asynccontextmanager
async def connection(coalesce: bool) -> AsyncIterator[tuple[Channel, str]]:
    """To an address where nobody is yet."""
    with tempfile.TemporaryDirectory(prefix="hotpath-") as folder:
        address = f"unix:{folder}/s"
        async with connect(address, coalesce) as opened:
            yield opened, address


async def outcome(opened: Channel, text: str, timeout_s: float = LONG_S) -> str:
    try:
        return await ask(opened, text, timeout_s)
    except grpc.aio.AioRpcError as error:
        return error.code().name


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # of others than events
            await asyncio.sleep(0.005)


async def hanging(_: str) -> str:
    await asyncio.Event().wait()
    return "never"


def test_while_it_is_away_callers_are_told_at_once(coalesce: bool) -> None:
    async def test() -> None:
        async with connection(coalesce) as (opened, address):
            spent = [await outcome(opened, "before") for _ in range(2)]
            assert spent == ["UNAVAILABLE"] * 2
            assert opened.breaker.is_open
            assert await outcome(opened, "meanwhile") == "UNAVAILABLE"
            peer = Peer()
            server = await serve(peer, address)
            await until(lambda: not opened.breaker.is_open)
            assert await outcome(opened, "after") == "AFTER"
            assert peer.singles == ["after"]  # what was refused never came
            assert opened.breaker.openings == 1
            await server.stop(0)

    asyncio.run(test())


def test_a_call_under_way_is_made_again_where_the_peer_is_soon_back(
    coalesce: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "RETRY_WITHIN_S", LONG_S / 2)

    async def test() -> None:
        async with connection(coalesce) as (opened, address):
            first = Peer(hanging)
            server = await serve(first, address)
            asking = asyncio.create_task(outcome(opened, "under way"))
            await until(lambda: first.singles == ["under way"])
            await server.stop(0)
            second = Peer()
            server = await serve(second, address)
            assert await asking == "UNDER WAY"
            assert second.singles == ["under way"]
            await server.stop(0)

    asyncio.run(test())


def test_an_outage_is_not_answered_by_twice_the_load(
    coalesce: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many calls under way, only so many are made again as there are tokens."""
    monkeypatch.setattr(channel, "RETRY_WITHIN_S", LONG_S / 2)
    many = 4 * int(breaker.MOST_TOKENS)

    async def test() -> None:
        async with connection(coalesce) as (opened, address):
            first = Peer(hanging)
            server = await serve(first, address)
            asking = [asyncio.create_task(outcome(opened, f"{n}")) for n in range(many)]
            await until(lambda: len(first.singles) + sum(map(len, first.batches)) == many)
            await server.stop(0)
            server = await serve(Peer(), address)
            answers = Counter(
                "answered" if answer.isdecimal() else answer
                for answer in await asyncio.gather(*asking)
            )
            assert answers == {
                "answered": breaker.MOST_TOKENS,
                "UNAVAILABLE": many - breaker.MOST_TOKENS,
            }
            await server.stop(0)

    asyncio.run(test())


def test_answers_bring_tokens_back(coalesce: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "MOST_TOKENS", 1.0)

    async def test() -> None:
        async with connected(Peer(), coalesce) as (opened, _):
            assert await opened.breaker.may_retry(grpc.StatusCode.UNAVAILABLE, 1)
            assert not await opened.breaker.may_retry(grpc.StatusCode.UNAVAILABLE, 1)
            for _ in range(round(1 / breaker.TOKENS_PER_ANSWER) + 1):
                assert await outcome(opened, "some") == "SOME"
            assert await opened.breaker.may_retry(grpc.StatusCode.UNAVAILABLE, 1)

    asyncio.run(test())


@pytest.mark.parametrize("code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL])
def test_what_the_peer_refuses_is_asked_once(coalesce: bool, code: grpc.StatusCode) -> None:
    async def refuse(_: str) -> str:
        raise Refused(code, "no")

    async def test() -> None:
        peer = Peer(refuse)
        async with connected(peer, coalesce) as (opened, _):
            assert await outcome(opened, "some") == code.name
            assert (peer.asked[REPLY], peer.asked[HEALTH]) == (1, 0)
            assert not opened.breaker.is_open

    asyncio.run(test())


def test_a_large_call_that_runs_out_of_time_is_not_the_peers_fault(coalesce: bool) -> None:
    """It is asked how it is, and calls go on."""

    async def test() -> None:
        peer = Peer(hanging)
        async with connected(peer, coalesce) as (opened, _):
            assert await outcome(opened, "large", 0.05) == "DEADLINE_EXCEEDED"
            await until(lambda: peer.asked[HEALTH] == 1)
            assert opened.breaker.openings == 0

    asyncio.run(test())


def test_a_peer_that_stands_still_is_away(coalesce: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "HEALTH_TIMEOUT_S", 0.05)

    async def test() -> None:
        peer = Peer(hanging, is_well=asyncio.Event())
        async with connected(peer, coalesce) as (opened, _):
            assert await outcome(opened, "some", 0.05) == "DEADLINE_EXCEEDED"
            await until(lambda: opened.breaker.is_open)
            assert await outcome(opened, "more") == "UNAVAILABLE"
            assert peer.singles == ["some"]
            peer.is_well.set()
            await until(lambda: not opened.breaker.is_open)

    asyncio.run(test())


def test_a_channel_that_ends_while_it_probes_leaves_nothing(coalesce: bool) -> None:
    async def test() -> None:
        async with connection(coalesce) as (opened, _):
            assert await outcome(opened, "some") == "UNAVAILABLE"
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(test())
