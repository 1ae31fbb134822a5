"""Checking payments against the rules: the portable caller of the kernel `validate`."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from service.http.engines import ServingEngine, from_body
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.offload.job import Cost, FromBody, Held, Job, Results, Work
from service.packed import Blobs
from service.screening.contract.payment_rules import WARNINGS, Violation, rule_tables
from service.screening.names import MAX_NAME_CHARS
from service.screening.payment import EXAMPLE, MAX_FIELD_CHARS, Payment, columns

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


def _cost(_held: Held, payments: list[Payment]) -> Cost:
    return Cost(2e-5 + 7e-7 * len(payments), 1.5e-7 * len(payments))


@cache
def _rule_names() -> Blobs:
    """By bit, in lower case."""
    return Blobs.pack([str(rule.name).lower().encode() for rule in Violation])


def _arguments(_held: Held) -> tuple[Any, ...]:
    names, warnings = _rule_names(), int(WARNINGS)
    return rule_tables(), names, warnings, MAX_PAYMENTS, MAX_FIELD_CHARS, MAX_NAME_CHARS


VALIDATE_BODY = FromBody(
    "validate", "answer_validations", _arguments, to_json({"payments": [EXAMPLE]})
)
VALIDATE = Job("validate", _prepare, _finish, _cost, rehearsal=([],))

router = APIRouter(prefix="/v1", tags=["validations"], route_class=StrictJson)


@router.post(
    "/validations",
    operation_id="create_validations",
    summary="The broken rules of each payment, in the order sent",
    response_model=ValidationResponse,
    responses=RESPONSES,
)
@from_body(VALIDATE_BODY)
async def create_validations(request: ValidationRequest, engine: ServingEngine) -> Response:
    return await engine.run(VALIDATE, request.payments)
