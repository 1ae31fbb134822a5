"""What a route class says about itself, so that its routes can be compiled nevertheless."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from starlette.requests import Request
from starlette.types import Receive, Scope


def parse_json(body: bytes) -> Any:
    """What json.loads makes of it, or ValueError: it takes less, and of what it takes it makes
    the same."""
    return from_json(body, allow_inf_nan=False)


@dataclass(frozen=True)
class Additions:
    """The class that overrides get_route_handler has one of these as its attribute `compiled`:

        class Named(APIRoute):
            compiled = Additions(headers=[(b"server", b"example")])

    It states everything that the override does to a request that is answered without an error;
    all others still go through the override.

    headers: what it appends to raw_headers of every response.
    request: what it makes of scope and receive, for endpoints and dependencies to get.
    parse: body to document. To take less than that request's json() is fine, but what it takes
        must come out the same. Raises: ValueError for what FastAPI is to see.
    """

    headers: Sequence[tuple[bytes, bytes]] = ()
    request: Callable[[Scope, Receive], Request] | None = None
    parse: Callable[[bytes], Any] = parse_json
