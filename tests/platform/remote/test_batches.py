"""Calls of one turn of the event loop travel together; the peer is a gRPC server of the test's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import grpc
import grpc.aio
import pytest

from service.gen.hotpath.batches.v1 import batches_pb2 as pb
from service.offload.remote import batches
from service.offload.remote.channel import Channel
from tests.platform.remote.peer import Peer, Refused, ask, connected, encoded

T = TypeVar("T")


@pytest.fixture(autouse=True)
def two_are_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "FEWEST_CALLS", 2)


Code = grpc.StatusCode


def run(
    peer: Peer, test: Callable[[Channel, grpc.aio.Server], Awaitable[T]], coalesce: bool = True
) -> T:
    async def connect_and_run() -> T:
        async with connected(peer, coalesce) as (channel, server):
            if channel.batches:
                channel.batches._inside += 1  # as if another call were under way
            return await asyncio.wait_for(test(channel, server), 60)

    return asyncio.run(connect_and_run())


async def together(channel: Channel, *texts: str, timeout_s: float = 60) -> list[str]:
    """What each call of one turn gives: its text, or its code and message."""
    return await asyncio.gather(*(shown(ask(channel, text, timeout_s)) for text in texts))


async def shown(call: Awaitable[str]) -> str:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name}: {error.details()}"


def test_calls_of_one_turn_travel_as_one_rpc() -> None:
    peer = Peer()

    async def test(channel: Channel, _: grpc.aio.Server) -> batches.Travelled:
        assert await together(channel, "a", "b", "c") == ["A", "B", "C"]
        assert await together(channel, *"defgh") == list("DEFGH")
        assert channel.batches
        return channel.batches.travelled

    travelled = run(peer, test)
    assert (peer.singles, peer.batches) == ([], [["a", "b", "c"], ["d", "e", "f", "g", "h"]])
    assert travelled == batches.Travelled(calls=8, rpcs=2, by_size={4: 1, 8: 1})


def test_a_call_alone_in_its_turn_is_a_plain_one() -> None:
    peer = Peer()

    async def test(channel: Channel, _: grpc.aio.Server) -> batches.Travelled:
        for text in ("a", "b"):
            assert await ask(channel, text) == text.upper()
        assert channel.batches
        return channel.batches.travelled

    assert run(peer, test) == batches.Travelled(calls=2, rpcs=2, by_size={1: 2})
    assert (peer.singles, peer.batches) == (["a", "b"], [])


def test_a_call_with_no_other_beside_it_leaves_at_once() -> None:
    peer = Peer()

    async def test(channel: Channel, _: grpc.aio.Server) -> None:
        assert channel.batches
        channel.batches._inside -= 1
        assert await together(channel, "a", "b", "c") == ["A", "B", "C"]
        assert await together(channel, "d", "e", "f") == ["D", "E", "F"]

    run(peer, test)
    assert (peer.singles, peer.batches) == (["a", "d"], [["b", "c"], ["e", "f"]])


def test_a_few_calls_leave_as_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the fixture's
    peer = Peer()
    texts = [f"t{i}" for i in range(batches.FEWEST_CALLS)]

    async def test(channel: Channel, _: grpc.aio.Server) -> batches.Travelled:
        await together(channel, *texts[1:])
        await together(channel, *texts)
        assert channel.batches
        return channel.batches.travelled

    few = batches.FEWEST_CALLS - 1
    assert run(peer, test) == batches.Travelled(few + few + 1, few + 1, {1: few, 8: 1})
    assert (sorted(peer.singles), peer.batches) == (texts[1:], [texts])


def test_without_coalescing_each_call_is_a_plain_one() -> None:
    peer = Peer()
    answers = run(peer, lambda channel, _: together(channel, "a", "b"), coalesce=False)
    assert answers == ["A", "B"]
    assert (sorted(peer.singles), peer.batches) == (["a", "b"], [])


def test_each_call_fails_by_itself() -> None:
    async def reply(text: str) -> str:
        if text == "index":
            raise Refused(Code.FAILED_PRECONDITION, "not loaded")
        if text == "full":
            raise Refused(Code.RESOURCE_EXHAUSTED, "")
        return text

    answers = run(Peer(reply), lambda channel, _: together(channel, "a", "index", "full", "b"))
    assert answers == ["a", "FAILED_PRECONDITION: not loaded", "RESOURCE_EXHAUSTED: ", "b"]


def test_a_turn_is_cut_by_count() -> None:
    peer = Peer()
    texts = [f"t{i}" for i in range(2 * batches.MOST_CALLS + 1)]
    assert run(peer, lambda channel, _: together(channel, *texts)) == [t.upper() for t in texts]
    assert sorted(map(len, peer.batches)) == [batches.MOST_CALLS] * 2
    assert len(peer.singles) == 1


def test_a_turn_is_cut_by_bytes() -> None:
    peer = Peer()
    texts = ["x" * (batches.MOST_BYTES // 5 - 100)] * 10
    assert run(peer, lambda channel, _: together(channel, *texts)) == [t.upper() for t in texts]
    assert [len(texts) for texts in peer.batches] == [5, 5]


def test_a_large_request_travels_alone() -> None:
    peer = Peer()
    texts = ["a", "y" * batches.LONE_BYTES, "b"]
    assert run(peer, lambda channel, _: together(channel, *texts)) == [t.upper() for t in texts]
    assert (peer.batches, [text[0] for text in peer.singles]) == ([["a", "b"]], ["y"])


def test_calls_whose_times_left_differ_widely_do_not_share() -> None:
    peer = Peer()

    async def test(channel: Channel, _: grpc.aio.Server) -> list[str]:
        calls = [("a", 10), ("long", 100), ("b", 11), ("longer", 180), ("c", 15), ("hour", 3600)]
        return await asyncio.gather(*(ask(channel, text, s) for text, s in calls))

    assert run(peer, test) == ["A", "LONG", "B", "LONGER", "C", "HOUR"]
    assert sorted(peer.batches) == [["a", "b", "c"], ["long", "longer"]]
    assert peer.singles == ["hour"]
    for left_s, given_s in zip(sorted(peer.timeouts_s), [10, 11, 15, 100, 180], strict=True):
        assert given_s - 5 < left_s <= given_s


def test_a_call_whose_deadline_passes_leaves_the_others_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "MOST_SPREAD", 100)
    expired = asyncio.Event()

    async def reply(text: str) -> str:
        await (asyncio.Event().wait() if text == "never" else expired.wait())
        return text

    async def never(channel: Channel) -> str:
        try:
            return await shown(ask(channel, "never", 1))
        finally:
            expired.set()

    async def test(channel: Channel, _: grpc.aio.Server) -> list[str]:
        return await asyncio.gather(never(channel), shown(ask(channel, "in time", 60)))

    peer = Peer(reply)
    assert run(peer, test) == ["DEADLINE_EXCEEDED: Deadline Exceeded", "in time"]
    assert peer.batches == [["never", "in time"]]


def test_a_slow_call_holds_up_no_other() -> None:
    release = asyncio.Event()

    async def reply(text: str) -> str:
        if text == "slow":
            await release.wait()
        return text

    async def test(channel: Channel, _: grpc.aio.Server) -> list[str]:
        slow = asyncio.create_task(ask(channel, "slow"))
        quick = asyncio.create_task(ask(channel, "quick"))
        answers = [await quick]
        assert not slow.done()
        release.set()
        return [*answers, await slow]

    peer = Peer(reply)
    assert run(peer, test) == ["quick", "slow"]
    assert peer.batches == [["slow", "quick"]]


def test_a_caller_that_gives_up_leaves_the_others_theirs() -> None:
    gone = asyncio.Event()

    async def reply(text: str) -> str:
        await gone.wait()
        return text

    async def test(channel: Channel, _: grpc.aio.Server) -> list[str | BaseException]:
        tasks = [asyncio.create_task(ask(channel, text)) for text in ("a", "b", "c", "d")]
        await asyncio.sleep(0)  # they are in this turn
        tasks[0].cancel()  # before it left
        await peer.arrived.wait()
        tasks[2].cancel()
        await asyncio.wait([tasks[0], tasks[2]])
        gone.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    peer = Peer(reply)
    answers = run(peer, test)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [True, False] * 2
    assert (answers[1], answers[3]) == ("b", "d")
    assert peer.batches == [["b", "c", "d"]]


def test_calls_that_are_all_given_up_at_once_leave_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(channel: Channel, _: grpc.aio.Server) -> None:
        for turns in range(6):  # of the loop, until they are given up
            tasks = [asyncio.create_task(ask(channel, text)) for text in ("a", "b")]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert all(task.cancelled() for task in tasks)
        assert await together(channel, "c", "d") == ["C", "D"]

    with caplog.at_level(logging.WARNING):
        run(peer := Peer(), test)
    assert peer.batches[-1] == ["c", "d"]
    assert not caplog.records


@pytest.mark.parametrize("how", ["cancelled", "late"])
def test_a_batch_that_nobody_waits_for_ends_in_the_sidecar(how: str) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait(_: pb.Batch, __: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        begun.set()
        try:
            await asyncio.Event().wait()
            yield b""
        finally:
            ended.set()

    async def test(channel: Channel, _: grpc.aio.Server) -> None:
        calls = together(channel, "a", "b", timeout_s=60 if how == "cancelled" else 3)
        asking = asyncio.create_task(calls)
        await begun.wait()
        if how == "cancelled":
            asking.cancel()
        else:
            assert set(await asking) == {"DEADLINE_EXCEEDED: Deadline Exceeded"}
        await ended.wait()

    run(Peer(run=wait), test)


@pytest.mark.parametrize(("retry_s", "tried"), [(600, 1), (0, 3)])
def test_a_sidecar_without_batches_gets_plain_calls_and_is_noted_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, retry_s: float, tried: int
) -> None:
    monkeypatch.setattr(batches, "RETRY_S", retry_s)
    peer = Peer(batched=False)

    async def test(channel: Channel, _: grpc.aio.Server) -> None:
        for _ in range(3):
            assert await together(channel, "a", "b") == ["A", "B"]

    with caplog.at_level(logging.WARNING, "hotpath.sidecar"):
        run(peer, test)
    assert sorted(peer.singles) == ["a"] * 3 + ["b"] * 3
    assert peer.asked[batches.METHOD] == tried
    assert [record.message for record in caplog.records] == [
        "the sidecar has no batches of calls: they leave one by one; update it"
    ]


def test_a_sidecar_that_has_batches_later_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RETRY_S", 0)
    peer = Peer(batched=False)

    async def test(channel: Channel, _: grpc.aio.Server) -> None:
        assert await together(channel, "a", "b") == ["A", "B"]
        peer.batched = True
        assert await together(channel, "c", "d") == ["C", "D"]

    run(peer, test)
    assert (sorted(peer.singles), peer.batches) == (["a", "b"], [["c", "d"]])


def of(*answers: pb.Answer) -> bytes:
    return pb.Answers(answers=answers).SerializeToString()


def good(place: int) -> pb.Answer:
    return pb.Answer(call=place, response=encoded("good"))


UNANSWERED = "INTERNAL: the sidecar left calls of a batch unanswered"


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ([], [UNANSWERED, UNANSWERED]),
        ([b""], [UNANSWERED, UNANSWERED]),
        ([b"\xff" * 9], [UNANSWERED, UNANSWERED]),
        ([of(good(1)), b"\xff" * 9], [UNANSWERED, "good"]),
        ([of(good(1), good(1), good(2), good(1 << 31))], [UNANSWERED, "good"]),
        (
            [of(pb.Answer(call=0, response=b"\xff" * 9), good(1))],
            ["INTERNAL: expected google.protobuf.StringValue, got other bytes", "good"],
        ),
        ([of(pb.Answer(call=0, code=99, message="?"), good(1))], ["UNKNOWN: ?", "good"]),
        ([of(good(0), pb.Answer(call=0, code=5)), of(good(1))], ["good", "good"]),
    ],
    ids=["none", "empty", "garbage", "half", "strange", "response", "code", "twice"],
)
def test_garbage_is_an_error_of_the_calls_that_got_it(
    sent: list[bytes], answers: list[str]
) -> None:
    async def send(_: pb.Batch, __: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        for message in sent:
            yield message

    assert run(Peer(run=send), lambda channel, _: together(channel, "a", "b")) == answers


def test_a_plain_calls_garbage_is_an_error_too() -> None:
    peer = Peer(encode=lambda _: b"\xff" * 9)
    answers = run(peer, lambda channel, _: together(channel, "a"), coalesce=False)
    assert answers == ["INTERNAL: expected google.protobuf.StringValue, got other bytes"]


@pytest.mark.parametrize("code", [Code.DATA_LOSS, Code.RESOURCE_EXHAUSTED, Code.INTERNAL])
def test_a_batch_that_fails_on_its_way_is_a_failure_of_those_not_answered(code: Code) -> None:
    async def fail(_: pb.Batch, context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        yield of(good(1))
        await context.abort(code, "it failed")

    answers = run(Peer(run=fail), lambda channel, _: together(channel, "a", "b", "c"))
    assert answers == [f"{code.name}: it failed", "good", f"{code.name}: it failed"]


def test_a_sidecar_that_stops_in_the_middle_is_unavailable_for_those_not_answered() -> None:
    async def test(channel: Channel, server: grpc.aio.Server) -> list[str]:
        async def reply(text: str) -> str:
            if text != "first":
                await asyncio.Event().wait()
            return text

        peer.reply = reply
        calls = [asyncio.create_task(shown(ask(channel, t))) for t in ("first", "a", "b")]
        await calls[0]
        await server.stop(0)
        return await asyncio.gather(*calls)

    peer = Peer()
    first, *others = run(peer, test)
    assert first == "first"
    assert {answer.partition(":")[0] for answer in others} <= {"UNAVAILABLE", "CANCELLED"}
    assert peer.batches == [["first", "a", "b"]]


def test_a_channel_that_closes_leaves_nobody_waiting() -> None:
    async def reply(_: str) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    async def test(channel: Channel, _: grpc.aio.Server) -> list[str]:
        asking = asyncio.create_task(together(channel, "a", "b"))
        await peer.arrived.wait()
        await channel.close(0.01)
        assert await asking == ["CANCELLED: the batch was cancelled"] * 2
        with pytest.raises(grpc.aio.UsageError):
            await ask(channel, "a")
        return await asyncio.wait_for(together(channel, "c", "d"), 30)

    peer = Peer(reply)
    assert [answer.partition(":")[0] for answer in run(peer, test)] == ["INTERNAL"] * 2
