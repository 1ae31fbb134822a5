"""Checking payments against the rules: the portable caller of the kernel `validate`."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from service.http.engines import ServingEngine
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.offload.job import Held, Job, Results, Work
from service.screening.contract.payment_rules import WARNINGS, rule_tables
from service.screening.payment import EXAMPLE, Payment, columns

MAX_PAYMENTS = 1000


Payments = Annotated[list[Payment], Field(min_length=1, max_length=MAX_PAYMENTS)]


class ValidationRequest(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"payments": [EXAMPLE]}]},
    )

    payments: Payments


class Judgement(BaseModel):
    violations: list[str] = Field(
        description="rules that a valid payment keeps", examples=[["debtor_iban_checksum"]]
    )
    warnings: list[str] = Field(
        description="rules that a valid payment may break", examples=[["creditor_bic_country"]]
    )


class PaymentValidity(Judgement):
    valid: bool = Field(description="without violations", examples=[False])


class ValidationResponse(BaseModel):
    results: list[PaymentValidity]


@cache  # a batch has few distinct sets
def judgement(bits: int) -> dict[str, list[str]]:
    """Judgement as JSON. Shared: not to be changed."""
    return {
        "violations": [str(rule.name).lower() for rule in ~WARNINGS if bits & rule],
        "warnings": [str(rule.name).lower() for rule in WARNINGS if bits & rule],
    }


def _prepare(_held: Held, payments: list[Payment]) -> Work:
    return Work({"validate": (columns(payments), rule_tables())})


def _finish(_held: Held, _kept: None, results: Results, *_: Any) -> bytes:
    """ValidationResponse as JSON."""
    broken: NDArray[np.uint32] = results["validate"]
    judged = map(judgement, broken.tolist())
    return to_json({"results": [{"valid": not found["violations"], **found} for found in judged]})


def _is_light(payments: list[Payment]) -> bool:
    return len(payments) <= 50


VALIDATE = Job(_prepare, _finish, _is_light, rehearsal=([],))

router = APIRouter(prefix="/v1", tags=["validations"], route_class=StrictJson)


@router.post(
    "/validations",
    operation_id="create_validations",
    summary="The broken rules of each payment, in the order sent",
    response_model=ValidationResponse,
    responses=RESPONSES,
)
async def create_validations(request: ValidationRequest, engine: ServingEngine) -> Response:
    return await engine.run(VALIDATE, request.payments)
