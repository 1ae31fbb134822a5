"""The toy with one route more, whose query has a list."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from service.http.fields import Integer
from service.http.problems import responses
from tests.platform import toy
from tests.platform.toy.sums import SumResponse

router = APIRouter(prefix="/v1", tags=["sums"])


@router.get(
    "/totals",
    operation_id="read_total",
    summary="The sum of a query's numbers",
    responses=responses(400, 422),
)
async def read_total(number: Annotated[list[Integer], Query()], factor: Integer = 1) -> SumResponse:
    return SumResponse(total=factor * sum(number))


DOMAIN = replace(toy.DOMAIN, routers=(*toy.DOMAIN.routers, "tests.platform.toy.totals:router"))
