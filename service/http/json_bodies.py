"""Bodies that are JSON and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from service.compiled import Additions
from service.errors import shown

_is_json = re.compile(
    r"application/(?:[\w!#$%&'*+.^`|~-]+\+)?json[ \t]*(?:;.*)?", re.ASCII | re.IGNORECASE
).fullmatch


class StrictJson(APIRoute):
    """For routes that take a body. Python's decoder alone would also take NaN, and UTF-16."""

    # parse_json, which compiled routes read a body with, takes no more than _StrictRequest does.
    compiled = Additions(request=lambda scope, receive: _StrictRequest(scope, receive))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    async def body(self) -> bytes:
        content = await super().body()
        if content:
            # These exceptions are what passes through FastAPI's reading of the body.
            encoding = self.headers.get("content-encoding", "").strip()
            if encoding.lower() not in ("", "identity"):
                raise HTTPException(415, f"Content-Encoding: expected none, got {shown(encoding)}")
            kind = self.headers.get("content-type", "")
            if not _is_json(kind.strip()):
                raise HTTPException(
                    415, f"Content-Type: expected application/json, got {shown(kind)}"
                )
        return content

    async def json(self) -> Any:
        try:
            text = (await self.body()).decode()
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError("not UTF-8", "", error.start) from error
        return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)
