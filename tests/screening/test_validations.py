"""POST /v1/validations over a real socket, on every engine."""

from __future__ import annotations

import pytest

from tests.contract.samples import payment
from tests.screening.fixtures import ENGINE_NAMES
from tests.servers import Server

VALID = payment(end_to_end_id="INV-1")


def post(server: Server, engine: str, *payments: object):
    return server.client.post(
        "/v1/validations", json={"payments": payments}, headers={"X-Engine": engine}
    )


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_violations_are_named_in_the_order_sent(server: Server, engine: str) -> None:
    response = post(
        server,
        engine,
        VALID,
        VALID | {"debtor_iban": "DE89370400440532013001", "end_to_end_id": "INV-2"},
        VALID | {"creditor_bic": "DEUTDEFF", "amount": "1.005", "end_to_end_id": "INV-3"},
        VALID | {"currency": "EU€"},
        VALID | {"creditor_bic": "DEUTDEFF", "end_to_end_id": "INV-5"},
    )
    bic_country = "creditor_bic_country"
    assert response.status_code == 200
    assert response.headers["X-Engine"] == engine
    assert response.json() == {
        "results": [
            {"valid": True, "violations": [], "warnings": []},
            {"valid": False, "violations": ["debtor_iban_checksum"], "warnings": []},
            {"valid": False, "violations": ["amount_minor_units"], "warnings": [bic_country]},
            {
                "valid": False,
                "violations": ["currency_unknown", "end_to_end_id_duplicate"],
                "warnings": [],
            },
            {"valid": True, "violations": [], "warnings": [bic_country]},
        ]
    }


@pytest.mark.parametrize(
    ("payments", "message"),
    [
        ([], "payments: expected at least 1 items, got 0"),
        ([VALID] * 1001, "payments: expected at most 1000 items, got 1001"),
        ([VALID | {"amount": 12.5}], "payments[0].amount: expected a string, got 12.5"),
        ([VALID | {"currency": "E" * 129}], "payments[0].currency: expected at most 128 char"),
        ([{}], "payments[0].end_to_end_id: required, but missing"),
        ([VALID | {"colour": "red"}], "payments[0].colour: expected no such field"),
        (["x"], "payments[0]: expected an object, got 'x'"),
    ],
)
def test_what_is_no_payment_is_a_clear_problem(server: Server, payments, message) -> None:
    response = post(server, "python", *payments)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(message)
