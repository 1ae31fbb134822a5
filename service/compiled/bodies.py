"""Reading a body so that FastAPI can read it again."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Message, Receive


def replay(messages: Sequence[Message], error: Exception | None, receive: Receive) -> Receive:
    """Gives what was received once more, then the error that ended it, then what comes."""
    waiting: list[Message | Exception] = [*messages, error] if error else [*messages]
    waiting.reverse()

    async def again() -> Message:
        if not waiting:
            return await receive()
        message = waiting.pop()
        if isinstance(message, Exception):
            raise message
        return message

    return again


async def rest_of_body(first: Message, receive: Receive) -> tuple[bytes | None, Receive]:
    """The whole body, or None where it does not come to its end; and what receives it again."""
    messages = [first]
    try:
        while (last := messages[-1])["type"] == "http.request":
            if not last.get("more_body", False):
                body = b"".join(message.get("body", b"") for message in messages)
                return body, replay(messages, None, receive)
            messages.append(await receive())
    except Exception as error:  # a limit, for example: FastAPI is to see it
        return None, replay(messages, error, receive)
    return None, replay(messages, None, receive)
