"""How the service ends: first it says so, then it takes nothing new, then what still runs is told.

A server calls the three, in this order; of one that knows nothing of it SIGUSR1 begins them.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import socket
import stat
import struct
import sys
from collections.abc import Callable
from contextlib import suppress

log = logging.getLogger("hotpath")

SETTLE_S = 0.25
"""After the pause, for connections that were opened and requests that were sent before it ended."""

LAST_S = 0.5
"""Of the grace: for the answers to those who get no more time."""

_SO_ATTACH_FILTER = 26  # which the module socket does not have
_IS_LINUX = sys.platform == "linux"


class Ending:
    def __init__(self, pause_s: float, grace_s: float, probe_port: int | None) -> None:
        self.began = False  # each answer is its connection's last
        self.is_ready = True
        self.is_over = False  # who waited for an answer gets 503
        self._pause_s, self._grace_s = pause_s, grace_s
        self._probe_port = probe_port
        self._cuts: list[Callable[[], object]] = []

    def listen(self) -> None:
        """From now on SIGUSR1 begins the ending: of a process whose server knows nothing of it."""
        loop = asyncio.get_running_loop()

        def announced() -> None:
            self.begin()
            loop.call_later(self._pause_s, refuse_all_but, self._probe_port)
            loop.call_later(self._pause_s + self._grace_s - LAST_S, self.cut)

        with suppress(ValueError, RuntimeError):  # not the main thread, as in a test
            loop.add_signal_handler(signal.SIGUSR1, announced)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})  # see servers._granian

    def begin(self, others_go_on: bool = False) -> None:
        """others_go_on: other workers serve at the same socket, so all of them stay ready."""
        if not self.began:
            log.info("stopping")
        self.began, self.is_ready = True, others_go_on

    def when_over(self, cut: Callable[[], object]) -> None:
        self._cuts.append(cut)

    def cut(self) -> None:
        self.is_over = True
        for cut in self._cuts:
            cut()


def refuse_all_but(port: int | None) -> None:
    """For each listening socket of this process at another port than this one: see refuse_new."""
    if not _IS_LINUX:
        return
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if not _is_socket(descriptor):
            continue
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as found:
            is_listening = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if is_listening and found.family != socket.AF_UNIX and found.getsockname()[1] != port:
                refuse_new(found)


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:  # the one of the listing itself
        return False


def refuse_new(listener: socket.socket) -> None:
    """No connection is begun any more at this listening socket, of whichever process; those that
    are there can all be accepted, so that to close it resets none.

    It drops what asks for a connection, so a client asks again a second later, and is then refused
    or finds the next server. Elsewhere than on Linux this does nothing.
    """
    if not _IS_LINUX:
        return
    # BPF: load the byte of TCP's flags, and drop where it has SYN.
    code = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    attached = struct.pack("HP", len(code), ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, attached)
    except OSError as error:  # not each system that looks like Linux has it
        log.warning("connections that begin now may be reset: %s", error)
