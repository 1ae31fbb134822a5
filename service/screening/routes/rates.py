"""Exchange rates, from several sources at once: what came in time, and what is missing."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from service.errors import ServiceError
from service.http.problems import responses
from service.http.upstreams import Reason, UpstreamError, Upstreams

Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$", strict=True)]
Rate = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$", strict=True)]


class UpstreamRates(BaseModel):
    """What an upstream sends; other fields are ignored."""

    base: Currency
    rates: dict[Currency, Rate]


class Missing(BaseModel):
    source: str = Field(examples=["boe"])
    reason: Reason


class Rates(BaseModel):
    base: Currency = Field(examples=["EUR"])
    complete: bool = Field(examples=[False])
    rates: dict[str, dict[str, str]] = Field(
        description="by source, by currency", examples=[{"ecb": {"USD": "1.0832"}}]
    )
    missing: list[Missing]


router = APIRouter(prefix="/v1", tags=["rates"])


@router.get(
    "/rates",
    operation_id="read_rates",
    summary="Exchange rates of every source that answered in time",
    responses=responses(400, 422, 502, 503, 504),
)
async def read_rates(
    request: Request,
    base: Annotated[Currency, Query(description="ISO 4217 code", examples=["EUR"])] = "EUR",
) -> Rates:
    upstreams: Upstreams = request.state.upstreams
    if not upstreams.urls:
        raise ServiceError("not_configured", "rates: HOTPATH_UPSTREAMS names no source")
    rates, missing = {}, []
    for source, answer in (await upstreams.ask_all({"base": base})).items():
        try:
            if isinstance(answer, UpstreamError):
                raise answer
            rates[source] = _decoded(answer, base)
        except UpstreamError as error:
            missing.append(Missing(source=source, reason=error.reason))
    if not rates:
        raise _none_answered(missing)
    return Rates(base=base, complete=not missing, rates=rates, missing=missing)


def _decoded(body: bytes, base: str) -> dict[str, str]:
    try:
        answer = UpstreamRates.model_validate_json(body)
    except ValidationError as error:
        raise UpstreamError("invalid") from error
    if answer.base != base:
        raise UpstreamError("invalid")
    return answer.rates


def _none_answered(missing: list[Missing]) -> ServiceError:
    only_late = all(source.reason == "timeout" for source in missing)
    code: Literal["upstream_timeout", "upstream_failed"]
    code = "upstream_timeout" if only_late else "upstream_failed"
    fields = tuple({"field": source.source, "message": source.reason} for source in missing)
    reasons = ", ".join(f"{source.source}: {source.reason}" for source in missing)
    return ServiceError(code, f"rates: no source answered ({reasons})", fields)
