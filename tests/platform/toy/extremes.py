"""The toy with routes that go to the limits: a large answer, and a path that can be shut."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from tests.platform import toy

LARGE = 32 << 20

router = APIRouter(prefix="/v1", tags=["extremes"])


@router.get("/large", operation_id="read_large")
async def read_large() -> Response:
    return Response(bytes(LARGE), media_type="application/octet-stream")


@router.post("/shut", operation_id="shut")
async def shut(request: Request) -> Response:
    request.state.shed.add(b"/v1/sums")
    return Response(status_code=204)


@router.post("/open", operation_id="open")
async def open_again(request: Request) -> Response:
    request.state.shed.clear()
    return Response(status_code=204)


DOMAIN = replace(toy.DOMAIN, routers=(*toy.DOMAIN.routers, "tests.platform.toy.extremes:router"))
