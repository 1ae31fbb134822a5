"""Payments: created, read, listed. Plain async Python; the database does the waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json
from sqlalchemy import bindparam, select
from uuid_utils.compat import uuid7

from service.errors import ServiceError
from service.http.fields import Identifier
from service.http.idempotency import IdempotentCreation
from service.http.json_bodies import StrictJson
from service.http.paging import Paged, Pages
from service.http.problems import responses
from service.screening.contract.payment_rules import letters_number, rule_tables
from service.screening.engines import python
from service.screening.errors import PAYMENT_INVALID
from service.screening.payment import EXAMPLE, Payment, columns
from service.screening.routes.validations import judgement
from service.screening.tables import PAYMENTS
from service.store.idempotency import Answer, Effect
from service.store.statements import Statement, Step
from service.store.tables import instant_text


class StoredPayment(Payment):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE
                | {
                    "id": "01a2031a-7f99-77c0-afba-16c26616e1dc",
                    "created_at": "2026-11-22T11:53:17.977180Z",
                }
            ]
        }
    )

    id: UUID
    created_at: datetime


class PaymentList(BaseModel):
    payments: list[StoredPayment]
    next: UUID | None


def check(payment: Payment) -> None:
    """Warnings let it pass.

    Raises: ServiceError payment_invalid; invalid_argument for text no database takes.
    """
    for field, text in payment:
        if "\0" in text:
            message = f"{field}: expected no character U+0000"
            raise ServiceError("invalid_argument", message, ({"field": field, "message": message},))
    # One payment takes the python engine microseconds; the way to another one would take longer.
    (broken,) = python.validate(columns([payment]), rule_tables()).tolist()
    if names := judgement(broken)["violations"]:
        fields = tuple(
            {"field": next(f for f in Payment.model_fields if name.startswith(f)), "message": name}
            for name in names
        )
        raise ServiceError(PAYMENT_INVALID, f"payment: broken rules: {', '.join(names)}", fields)


def to_minor(amount: str, currency: str) -> int:
    """Integer minor units of an amount that breaks no rule: "7.5" EUR is 750."""
    whole, _, fraction = amount.partition(".")
    return int(whole + fraction.ljust(_decimals(currency), "0"))


def from_minor(amount_minor: int, currency: str) -> str:
    """With the currency's decimals: 750 EUR is "7.50"."""
    decimals = _decimals(currency)
    digits = str(amount_minor).zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


def _decimals(currency: str) -> int:
    return int(rule_tables().minor_units[letters_number(currency)])


def document(values: Mapping[str, Any]) -> dict[str, str]:
    """values: of a row of PAYMENTS. Returns: what StoredPayment declares."""
    return {
        "id": str(values["id"]),
        "end_to_end_id": values["end_to_end_id"],
        "debtor_name": values["debtor_name"],
        "debtor_iban": values["debtor_iban"],
        "creditor_name": values["creditor_name"],
        "creditor_iban": values["creditor_iban"],
        "creditor_bic": values["creditor_bic"],
        "currency": values["currency"],
        "amount": from_minor(values["amount_minor"], values["currency"]),
        "created_at": instant_text(values["created_at"]),
    }


_INSERT = Statement(PAYMENTS.insert())
_ONE = Statement(select(PAYMENTS).where(PAYMENTS.c.id == bindparam("id")))
_PAGES = Pages(PAYMENTS)

router = APIRouter(prefix="/v1/payments", tags=["payments"], route_class=StrictJson)


@router.post(
    "",
    operation_id="create_payment",
    summary="Create a payment",
    status_code=201,
    response_model=StoredPayment,
    responses=responses(400, 409, 413, 415, 422, 503, 504),
)
async def create_payment(payment: Payment, creation: IdempotentCreation) -> Response:
    check(payment)

    async def effect() -> Effect:
        values = payment.model_dump(exclude={"amount"}) | {
            "id": uuid7(),
            "amount_minor": to_minor(payment.amount, payment.currency),
            "created_at": datetime.now(UTC),
        }
        answer = Answer(201, to_json(document(values)), f"/v1/payments/{values['id']}")
        return Step(_INSERT, values), answer

    return await creation.carry_out(effect)


@router.get(
    "/{id}",
    operation_id="read_payment",
    summary="One payment",
    response_model=StoredPayment,
    responses=responses(400, 404, 422, 503, 504),
)
async def read_payment(payment_id: Identifier, request: Request) -> Response:
    rows = await request.state.database.fetch(_ONE, id=payment_id)
    if not rows:
        raise ServiceError("not_found", f"payment: there is none with the id {payment_id}")
    return Response(to_json(document(rows[0]._asdict())), media_type="application/json")


@router.get(
    "",
    operation_id="list_payments",
    summary="Payments, the newest first",
    response_model=PaymentList,
    responses=responses(400, 422, 503, 504),
)
async def list_payments(page: Paged, request: Request) -> Response:
    rows, after = await page.read(request.state.database, _PAGES)
    payments = [document(row._asdict()) for row in rows]
    return Response(
        to_json({"payments": payments, "next": after}),
        media_type="application/json",
    )
