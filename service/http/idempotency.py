"""The header Idempotency-Key, as a dependency of routes that create something."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from service.store.idempotency import Effect

_VISIBLE_ASCII = r"[\x21-\x7E]{1,255}"


def _checked(key: str) -> str:
    if not re.fullmatch(_VISIBLE_ASCII, key):
        raise PydanticCustomError(
            "key", "not a key", {"expected": "1 to 255 visible ASCII characters"}
        )
    return key


class Creation:
    """A request that creates something, at most once for its key."""

    def __init__(self, request: Request, key: str | None) -> None:
        self._request, self._key = request, key

    async def carry_out(self, effect: Callable[[], Awaitable[Effect]]) -> Response:
        """Raises: what Idempotency.carry_out does."""
        request = self._request
        info = request.state.info
        start = perf_counter()
        info.spans_s["parse"] = start - info.started
        answer = await request.state.idempotency.carry_out(
            f"{request.method} {request.scope['route'].path}",
            self._key,
            await request.body(),  # read before, by FastAPI, which keeps it
            effect,
        )
        # The effect noted its own: the kernels', where it runs a job.
        noted_s = sum(info.spans_s.values()) - info.spans_s["parse"]
        info.spans_s["store"] = perf_counter() - start - noted_s
        headers = {"Location": answer.location} if answer.location else {}
        if answer.is_replay:
            headers["Idempotency-Replayed"] = "true"
        return Response(answer.body, answer.status, headers, media_type="application/json")


# async although it awaits nothing: FastAPI runs other dependencies in a thread.
async def _creation(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="makes a repetition of this request safe: it is answered as the first "
            "time, and carried out once",
            json_schema_extra={"pattern": f"^{_VISIBLE_ASCII}$"},
        ),
        AfterValidator(_checked),
    ] = None,
) -> Creation:
    return Creation(request, idempotency_key)


IdempotentCreation = Annotated[Creation, Depends(_creation)]
