"""SIGTERM under load: nobody is cut off."""

from __future__ import annotations

import signal
from collections import Counter
from functools import partial
from pathlib import Path

from service.servers import Server as Name
from tests.chaos.fault import Fault, Outcome
from tests.load import Load
from tests.platform.running import serving
from tests.servers import wait_until

BODY = b'{"numbers":[1,2],"wait_s":0.01}'
REQUEST = (
    b"POST /v1/sums HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY


def terminate(directory: Path, times: int, server: Name, workers: int) -> Outcome:
    seen: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for number in range(times):
        with serving(
            directory / f"{number}.log",
            *("--server", server, "--workers", str(workers)),
            engine="plain",
            offload="thread",
        ) as running:
            load = Load(running.port, REQUEST)
            with load.running():
                wait_until(partial(load.answered, 50), "answers", running.log)
                running.process.send_signal(signal.SIGTERM)
                code = running.process.wait(60)
            seen += load.counts
            wrong += Counter(load.lost)
            if code:
                wrong[f"exit {code}"] += 1
    return Outcome(times, dict(seen), dict(wrong))


FAULTS = tuple(
    Fault(f"SIGTERM, {name}, workers: {count}", partial(terminate, server=name, workers=count))
    for name in (Name.uvicorn, Name.granian)
    for count in (1, 2)
)
