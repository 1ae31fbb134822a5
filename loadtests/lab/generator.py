"""The lab's load generator: one Locust process for a whole session, steered by lines of JSON.

    python -m loadtests.lab.generator

It writes {"ready": true, "locust": VERSION}, then for each order of slices.py on stdin
the slice's figures on stdout, as schema.md has them, with the order's id, and ends when stdin does.

Where it may (as root, or with CAP_SYS_NICE), it runs before all ordinary processes while
a stream is open, so that what else the machine does makes no request late. In a closed
slice it does not: to be given every answer at once would deprive the server of requests
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

    from loadtests.lab.load import Generator
    from loadtests.lab.slices import Order

    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    orders: Queue = Queue()
    generator = Generator()

    def work() -> None:
        for order in orders:
            first = runs_first(order.is_open)
            reply = {"id": order.id, **generator.run(order), "generator_real_time": first}
            print(json.dumps(reply), flush=True)

    worker = gevent.spawn(work)
    worker.link_exception(lambda _: sys.exit(1))
    print(json.dumps({"ready": True, "locust": __version__}), flush=True)
    for line in FileObjectPosix(sys.stdin.fileno(), "rb"):
        orders.put(Order.read(json.loads(line)))
    worker.kill()  # whoever gave the orders has gone: nobody waits for the rest


if __name__ == "__main__":
    main()
