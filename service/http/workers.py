"""Several processes that serve at one socket, by uvicorn's supervisor."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from contextlib import suppress
from types import FrameType

from uvicorn.supervisors import multiprocess

from service.http.server import ALONE, Config, Server

log = logging.getLogger("hotpath")

_STEP_S = 0.02


class Worker(multiprocess.Process):
    config: Config
    _ours: Server | None = None
    _is_told = False  # that it ends

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

    def is_alive(self, timeout: float = 5) -> bool:
        """Whether it answers in time; one that was told to end need not."""
        ends_at = time.monotonic() + timeout
        try:
            self.parent_conn.send(b"ping")
            while not self.parent_conn.poll(_STEP_S):
                if self._is_told or time.monotonic() > ends_at:
                    return self._is_told
            self.parent_conn.recv()
        except (OSError, EOFError):  # it has ended
            return False
        return True

    def terminate(self) -> None:
        """Of one whose place another one has taken."""
        self.tell(ALONE)

    def end(self) -> None:
        if self.pid and not self._is_told:
            self._is_told = True
            self.tell(signal.SIGTERM)

    def tell(self, number: int) -> None:
        if self.pid and self.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class _Flag:
    """An event that a signal's handler may set: it has no lock that the interrupted may hold."""

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True


class Supervisor(multiprocess.Multiprocess):
    processes: list[Worker]  # type: ignore[assignment]  # as it makes no others

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        self._ends = 0
        self._ends_at = 0.0
        multiprocess.Process = Worker  # type: ignore[misc]  # it has no other way to be told
        super().__init__(config, sockets)
        self.should_exit = _Flag()  # type: ignore[assignment]  # nobody waits for it
        settings = config.settings
        # Whoever waits for an answer has it by then; it is for a worker that cannot be ended.
        self._within_s = settings.shutdown_pause_s + settings.shutdown_grace_s + 1
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def run(self) -> None:
        self.init_processes()
        while not self.should_exit.is_set():
            self.keep_subprocess_alive()
            looks_at = time.monotonic() + 0.5
            while time.monotonic() < looks_at and not self.should_exit.is_set():
                time.sleep(_STEP_S)
                self.handle_signals()
        self.terminate_all()
        self.join_all()

    def terminate_all(self) -> None:
        for process in self.processes:
            process.end()

    def join_all(self) -> None:
        ends_at = self._ends_at or time.monotonic() + self._within_s
        while time.monotonic() < ends_at and any(one.exitcode is None for one in self.processes):
            time.sleep(_STEP_S)
        for process in self.processes:
            _join(process)

    def restart_all(self) -> None:
        """One by one, each when its successor serves. All of them are among the processes, so that
        an end that comes meanwhile is all of theirs."""
        for old in list(self.processes):
            new = Worker(self.config, self.sockets)
            self.processes.append(new)
            new.start()
            patience_s = self.config.timeout_worker_healthcheck
            is_ready = new.wait_until_ready(patience_s, self.should_exit)
            if is_ready:
                old.terminate()
                ends_at = time.monotonic() + self._within_s
                while old.exitcode is None and time.monotonic() < ends_at:
                    if self.should_exit.is_set():
                        break
                    time.sleep(_STEP_S)
            if self.should_exit.is_set():
                return
            gone = old if is_ready else new
            _join(gone)
            self.processes.remove(gone)
            if not is_ready:
                log.error("a new worker did not get ready; the others stay as they are")
                return

    def _end(self, number: int, _: FrameType | None) -> None:
        # The workers are told here, as whoever the signal interrupts may wait for one of them.
        self._ends += 1
        if self._ends == 1:
            self._ends_at = time.monotonic() + self._within_s
            self.should_exit.set()
            self.terminate_all()
        elif self._ends == 2:  # the second one ends at once
            for process in self.processes:
                process.tell(signal.SIGKILL)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def _join(worker: Worker) -> None:
    """Kills it where it has not ended."""
    if worker.exitcode is None:
        log.warning("worker %s does not end and is killed", worker.pid)
        worker.kill()
    worker.process.join()
