"""Engines are opened when they are first asked for, each by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from service.offload.engines import Engines
from service.offload.spec import EngineSpec
from service.settings import Settings
from tests.platform.toy.sums import SUM
from tests.servers import wait_until

SLOW = """
import time
from pathlib import Path
from tests.platform.toy.plain import total as total

Path({begun!r}).touch()
while not Path({released!r}).exists():
    time.sleep(0.01)
"""


def test_one_that_takes_its_time_to_open_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = tmp_path / "begun", tmp_path / "released"
    (tmp_path / "slow_to_open.py").write_text(SLOW.format(begun=str(begun), released=str(released)))
    monkeypatch.syspath_prepend(tmp_path)
    specs = [
        EngineSpec(name, module, ("inline",), "hotpath", "")
        for name, module in (
            ("slow", "slow_to_open"),
            ("oracle", "tests.platform.toy.oracle"),
            ("plain", "tests.platform.toy.plain"),
        )
    ]
    settings = Settings(engine="plain", allow_engine_override=True)

    async def open_both() -> None:
        async with Engines(specs, settings, {}, [SUM]) as engines:
            slow = [asyncio.create_task(engines.get("slow")) for _ in range(2)]
            await asyncio.to_thread(wait_until, begun.exists, "the slow one's import")
            other = await asyncio.wait_for(engines.get("oracle"), 60)
            assert other.variant.engine == "oracle"
            assert not any(task.done() for task in slow)
            released.touch()
            first, second = await asyncio.gather(*slow)
            assert first is second  # opened once, though asked for twice

    asyncio.run(open_both())
