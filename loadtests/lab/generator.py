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

Where it may (as root, or with CAP_SYS_NICE), it runs before all ordinary processes, so
that what else the machine does makes no request late; each reply says whether it did.
"""

from __future__ import annotations

import json
import logging
import os
import sys

import gevent


def runs_first() -> bool:
    """Asks for real-time scheduling. The system keeps a twentieth of each core for others."""
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True


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
    real_time = {"generator_real_time": runs_first()}

    def work() -> None:
        for command in commands:
            reply = session.run(command["block"]) | real_time
            print(json.dumps({"block": reply}), flush=True)

    worker = gevent.spawn(work)
    worker.link_exception(lambda _: sys.exit(1))
    print(json.dumps({"ready": True, "locust": __version__}), flush=True)
    for line in FileObjectPosix(sys.stdin.fileno(), "rb"):
        commands.put(json.loads(line))
    worker.kill()  # whoever gave the commands has gone: nobody waits for the rest


if __name__ == "__main__":
    main()
