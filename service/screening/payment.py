"""A payment, as it comes in."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from service.packed import Blobs
from service.screening.contract.kernels import PaymentColumns
from service.screening.names import MAX_NAME_CHARS

MAX_FIELD_CHARS = 128  # generous: what is wrong inside is a violation, not a refused request

Name = Annotated[str, StringConstraints(max_length=MAX_NAME_CHARS)]
Text = Annotated[str, StringConstraints(max_length=MAX_FIELD_CHARS)]


EXAMPLE: dict[str, Any] = {
    "end_to_end_id": "INV-2026-000017",
    "debtor_name": "Zia Logistics GmbH",
    "debtor_iban": "DE89370400440532013000",
    "creditor_name": "Jon Smyth",
    "creditor_iban": "GB29NWBK60161331926819",
    "creditor_bic": "NWBKGB2L",
    "currency": "EUR",
    "amount": "1234.50",
}


class Payment(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [EXAMPLE]},
    )

    end_to_end_id: Text
    debtor_name: Name
    debtor_iban: Text
    creditor_name: Name
    creditor_iban: Text
    creditor_bic: Text
    currency: Text
    amount: Text


def canonical(payment: Payment) -> bytes:
    """Canonical JSON. Source: RFC 8785, which for an object of strings is this."""
    return json.dumps(
        payment.model_dump(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def columns(payments: list[Payment]) -> PaymentColumns:
    return PaymentColumns(
        *(
            Blobs.pack([getattr(payment, field).encode() for payment in payments])
            for field in PaymentColumns.__dataclass_fields__
        )
    )
