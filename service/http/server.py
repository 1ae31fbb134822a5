"""uvicorn's server, with an edge: how it accepts, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from service.http import ending
from service.http.connections import Connections
from service.http.edge import Edge
from service.http.refusals import as_sent, refusal_of_connection
from service.settings import Settings

_ACCEPTS_PER_S = 10_000
"""While turns of the loop are short it is one a turn."""

_STEP_S = 0.02

ALONE = signal.SIGUSR2
"""Tells a worker that it ends, and that others go on at the same socket."""


class Config(uvicorn.Config):
    def __init__(self, app: Any, settings: Settings, **options: Any) -> None:
        super().__init__(
            app,
            http=Edge,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=settings.shutdown_grace_s,
            **options,
        )
        self.settings = settings


class Server(uvicorn.Server):
    config: Config
    is_worker = False
    _ends_alone = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        settings = self.config.settings
        self._loop = asyncio.get_running_loop()
        self._connections = Connections(settings)
        self._protocol = partial(
            Edge,
            settings,
            self._connections,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        self._opening: set[asyncio.Task[Any]] = set()
        self._turn_s = 0.0  # how long the loop's turn took in which one was accepted last
        self._listeners = sockets or []
        for listener in self._listeners:
            listener.setblocking(False)
            listener.listen(self.config.backlog)
            self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        """One, and as many more as fit the time of the loop's last turn. One a turn, as uvloop has
        it, is too few where a turn takes long; and whoever takes all at once leaves none to the
        other processes at the socket."""
        self._loop.call_soon(self._turned, self._loop.time())
        for _ in range(1 + int(self._turn_s * _ACCEPTS_PER_S)):
            try:
                connection, address = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:  # it left
                continue
            except OSError:  # no descriptor, or no memory, is left
                if not self._connections.make_room():
                    self._loop.remove_reader(listener)
                    self._loop.call_later(0.1, self._accept_again, listener)
                return
            self._open(connection, address[0])

    def _turned(self, began: float) -> None:
        self._turn_s = self._loop.time() - began

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.add_reader(listener, self._accept, listener)

    def _open(self, connection: socket.socket, address: str) -> None:
        connection.setblocking(False)
        if not self._connections.may_enter(address):
            with connection:
                connection.send(as_sent(refusal_of_connection(), self.server_state.default_headers))
            return
        task = self._loop.create_task(self._connect(connection, address))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, connection: socket.socket, address: str) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()
            self._connections.is_gone(address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        settings = self.config.settings
        stopping: ending.Ending | None = self.lifespan.state.get("ending")
        if stopping:
            stopping.begin(others_go_on=self._ends_alone)
        if not self._ends_alone:
            await asyncio.sleep(settings.shutdown_pause_s)
            for listener in self._listeners:
                ending.refuse_new(listener)
        ends_at = self._loop.time() + settings.shutdown_grace_s
        await self._settle()
        await self._finish(ends_at - ending.LAST_S)
        if self._connections.all and stopping:
            stopping.cut()
            await self._finish(ends_at)
        for edge in list(self._connections.all):
            edge.cut_off()
        for task in self.server_state.tasks:
            task.cancel()
        await asyncio.sleep(0)
        await self.lifespan.shutdown()

    async def _settle(self) -> None:
        """Ends the accepting, of whichever connection and request was under way before."""
        ends_at = self._loop.time() + ending.SETTLE_S
        if not self._ends_alone:
            await asyncio.sleep(ending.SETTLE_S)
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            if not self._ends_alone:
                self._turn_s = 1e6  # so that all are taken
                self._accept(listener)
            listener.close()
        if self._opening:
            await asyncio.wait(self._opening)
        await asyncio.sleep(max(0, ends_at - self._loop.time()))

    async def _finish(self, ends_at: float) -> None:
        """Until all connections are closed: each when it has its last answer."""
        while self._connections.all and self._loop.time() < ends_at:
            for edge in list(self._connections.all):
                if edge.is_waiting:
                    edge.drop()
                elif edge.is_in_head:
                    edge.refuse_head()
            await asyncio.sleep(_STEP_S)

    def end_alone(self, *_: object) -> None:
        """As one of several workers, of which others go on."""
        self._ends_alone = self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and not self.is_worker:  # the second one ends at once
            signal.signal(sig, signal.SIG_DFL)
            os.kill(os.getpid(), sig)
        super().handle_exit(sig, frame)
