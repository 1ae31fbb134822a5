"""Worker processes end when their parent does, however it ended."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import wait


def when_orphaned(act: Callable[[], object]) -> None:
    """Calls `act` on a thread when the process that spawned this one is gone.

    In a process that was not spawned by multiprocessing it does nothing.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        act()

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()
