"""The lab's load generator: one Locust process for a whole session, steered by lines of JSON.

    python -m loadtests.lab.generator

It writes {"ready": true, "locust": VERSION}, then for each command {"block": ...} on
stdin one reply {"block": ...} on stdout, and ends when stdin does. A command's block has
    id; url: http://HOST:PORT; pid: of its server, on this machine; headers: expected of
        each answer; seed
    warmup_s; window_s; min_requests: of each stream, for which the window is prolonged up
        to max_s, which is also the longest that is waited for an answer
    streams: each with name, pool (path of {"requests": [{method, path, body, check}]}) and
        first (the place in the pool to begin at), and
        model "closed", users; or
        model "open", rate_rps, arrivals ("poisson" or "constant"), connections.
The reply has the id and a block's raw figures, as schema.md has them.

Where it may (as root, or with CAP_SYS_NICE), it runs before all ordinary processes while
a stream is open, so that what else the machine does makes no request late. In a closed
block it does not: to be given every answer at once would deprive the server of requests
that wait, which it handles together at a lower cost. Each reply says how it was.
"""

from __future__ import annotations

import json
import logging
import os
import sys

import gevent


def runs_first(wanted: bool) -> bool:
    """Asks for real-time scheduling, of which the system keeps a twentieth for others, or
    gives it back. Returns: whether it has it."""
    if sys.platform != "linux":
        return False
    policy, priority = (os.SCHED_RR, 1) if wanted else (os.SCHED_OTHER, 0)
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except PermissionError:
        return False
    return wanted


def main() -> None:
    if sys.platform == "linux":
        # epoll counts its timeouts in milliseconds, and requests would be sent that late;
        # select counts in microseconds, and for some hundred connections costs no more.
        # It must be set before the event loop is made, which importing Locust does.
        gevent.config.libev_backend = "select"
    from gevent.fileobject import FileObjectPosix
    from gevent.queue import Queue
    from locust import __version__

    from loadtests.lab.load import Session

    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    commands: Queue = Queue()
    session = Session()

    def work() -> None:
        for command in commands:
            block = command["block"]
            first = runs_first(any(stream["model"] == "open" for stream in block["streams"]))
            reply = session.run(block) | {"generator_real_time": first}
            print(json.dumps({"block": reply}), flush=True)

    worker = gevent.spawn(work)
    worker.link_exception(lambda _: sys.exit(1))
    print(json.dumps({"ready": True, "locust": __version__}), flush=True)
    for line in FileObjectPosix(sys.stdin.fileno(), "rb"):
        commands.put(json.loads(line))
    worker.kill()  # whoever gave the commands has gone: nobody waits for the rest


if __name__ == "__main__":
    main()
