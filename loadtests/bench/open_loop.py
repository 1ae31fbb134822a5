"""Requests at fixed moments, whether or not earlier ones were answered; latency from the moment
each was due, so that a server that stalls cannot hide it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_EARLY_S = 0.002  # timers of event loops are a millisecond late


class WrongAnswer(Exception):
    pass


def run(port: int, path: str, per_second: float, seconds: float) -> list[int]:
    """Latencies in microseconds, as the requests were due. Raises: WrongAnswer, OSError."""
    return asyncio.run(_run(port, path, per_second, round(per_second * seconds)))


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _run(port: int, path: str, per_second: float, count: int) -> list[int]:
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    opened: list[asyncio.StreamWriter] = []
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n"

    async def ask(due: float) -> int:
        if idle:
            reader, writer = idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            opened.append(writer)
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        (length,) = (int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        body = await reader.readexactly(length)
        took_s = loop.time() - due
        if not lines[0].startswith(b"http/1.1 200") or b'"complete":true' not in body.replace(
            b" ", b""
        ):
            raise WrongAnswer(repr(head + body)[:500])
        idle.append((reader, writer))
        return round(1e6 * took_s)

    try:
        await ask(loop.time())
        start = loop.time() + 0.05
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number in range(count):
                due = start + number / per_second
                await asyncio.sleep(due - _EARLY_S - loop.time())
                while loop.time() < due:  # noqa: ASYNC110  # to the microsecond; nothing tells it
                    await asyncio.sleep(0)
                tasks.append(group.create_task(ask(due)))
        return [task.result() for task in tasks]
    except* (WrongAnswer, OSError) as errors:
        raise errors.exceptions[0] from None
    finally:
        for writer in opened:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
