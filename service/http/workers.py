"""Several processes that serve at one socket, by uvicorn's supervisor."""

from __future__ import annotations

import os
import signal
import socket
import time
from types import FrameType

from uvicorn.supervisors import multiprocess

from service.http.server import ALONE, Config, Server


class Worker(multiprocess.Process):
    config: Config
    _ours: Server | None = None

    @property
    def server(self) -> Server:
        if self._ours is None:
            self._ours = Server(self.config)
            self._ours.is_worker = True
        return self._ours

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        signal.signal(ALONE, self.server.end_alone)
        super().target(sockets)

    def start(self) -> None:
        super().start()
        # While this end is open here too, the end of a worker that is asked whether it lives shows
        # only when the time for its answer is up.
        self.child_conn.close()

    def terminate(self) -> None:
        """Of one whose place another one has taken."""
        self.tell(ALONE)

    def tell(self, number: int) -> None:
        if self.process.exitcode is None and self.process.pid:
            os.kill(self.process.pid, number)


class Supervisor(multiprocess.Multiprocess):
    processes: list[Worker]  # type: ignore[assignment]  # as it makes no others

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        self._ends = 0
        multiprocess.Process = Worker  # type: ignore[misc]  # it has no other way to be told
        super().__init__(config, sockets)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def run(self) -> None:
        self.init_processes()
        while not self.should_exit.is_set():
            self.keep_subprocess_alive()
            looks_at = time.monotonic() + 0.5
            while time.monotonic() < looks_at and not self.should_exit.is_set():
                time.sleep(0.02)
                self.handle_signals()
        self.terminate_all()
        self.join_all()

    def terminate_all(self) -> None:
        for process in self.processes:
            process.tell(signal.SIGTERM)

    def _end(self, number: int, _: FrameType | None) -> None:
        # Only noted here: whoever the signal interrupts may hold the lock of what else it would do.
        self.signal_queue.append(number)
        self._ends += 1
        if self._ends == 2:  # the second one ends at once
            for process in self.processes:
                process.tell(signal.SIGKILL)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
