"""Bodies that are JSON and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.compiled import Additions


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
    async def json(self) -> Any:
        try:
            text = (await self.body()).decode()
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError("not UTF-8", "", error.start) from error
        return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)
