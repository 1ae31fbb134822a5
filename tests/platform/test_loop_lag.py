"""How late the event loop wakes, as the server tells the lab."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from fastapi import FastAPI

from service.bench import loop_lag

BLOCKED_S = 100.0  # longer than any machine holds up a test


class Loop(asyncio.SelectorEventLoop):
    """Its clock can be put forward, as if a call had blocked it for so long."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.include_router(loop_lag.router())

    @app.get("/block")
    async def block() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        loop.ahead_s += BLOCKED_S

    return app


def ask(app: FastAPI, *requests: tuple[str, str]) -> list[httpx2.Response]:
    async def answers() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            found = []
            for method, path in requests:
                found.append(await client.request(method, path))
                await asyncio.sleep(0.05)
            return found

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(answers())


BEGIN, END, BLOCK = ("POST", "/bench/loop-lag"), ("GET", "/bench/loop-lag"), ("GET", "/block")


def test_a_call_that_blocks_the_loop_shows(app: FastAPI) -> None:
    late = ask(app, BEGIN, BLOCK, END)[-1].json()["late"]
    assert [late] == [sorted(late)]
    worst_s = 1.01 ** late[-1][0] * 1e-6
    # A bucket is 1 % wide, and it was to wake some time after the clock was put forward.
    assert 0.98 * BLOCKED_S < worst_s < 1.5 * BLOCKED_S
    assert sum(count for _, count in late) >= 2  # and the wakes that were on time


def test_nothing_runs_once_it_has_been_read(app: FastAPI) -> None:
    begun, first, again = ask(app, BEGIN, END, END)
    assert begun.status_code == 204
    assert again.json() == first.json()


def test_beginning_anew_forgets(app: FastAPI) -> None:
    late = ask(app, BEGIN, BLOCK, BEGIN, END)[-1].json()["late"]
    assert all(1.01**k * 1e-6 < BLOCKED_S / 2 for k, _ in late)
