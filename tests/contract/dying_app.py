"""The service, which kills itself when it is about to send the first byte of a 201.

The transaction is committed by then, and the answer never leaves.
"""

from __future__ import annotations

import os
import signal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import wiring


def create_app() -> ASGIApp:
    app = wiring.app()

    async def dying(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_or_die(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 201:
                os.kill(os.getpid(), signal.SIGKILL)
            await send(message)

        await app(scope, receive, send_or_die)

    return dying
