"""/v1/payments: created, read, listed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schwifty.registry import get_all_banks

from tests.contract.conftest import Api
from tests.contract.samples import (
    INSTANT,
    PAYMENT_FIELDS,
    UNKNOWN_ID,
    UUID7,
    payment,
    problem,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "conformance/vectors/validate.json").read_text()
)
WISE_IBAN = (
    "HU89126000111234567890123456"  # of the Hungarian bank code 126, which has a Belgian BIC
)
# ISO 4217, as published: the decimals of some currencies.
DECIMALS = {"JPY": 0, "KRW": 0, "EUR": 2, "USD": 2, "KWD": 3, "BHD": 3, "CLF": 4}


def test_a_payment_is_created_and_read_back(api: Api) -> None:
    sent = payment(debtor_name="Élan & Söhne “名前” 🦊\n", amount="7.5")
    created = api.pay(sent)
    assert created.status_code == 201
    assert created.headers["Content-Type"] == "application/json"
    body = created.json()
    assert body == sent | {
        "id": body["id"],
        "created_at": body["created_at"],
        "amount": "7.50",
    }
    assert UUID7.fullmatch(body["id"])
    assert INSTANT.fullmatch(body["created_at"])
    age = datetime.now(UTC) - datetime.fromisoformat(body["created_at"])
    assert timedelta() <= age < timedelta(seconds=60)
    assert created.headers["Location"] == f"/v1/payments/{body['id']}"
    assert "Idempotency-Replayed" not in created.headers
    read = api.get(created.headers["Location"])
    assert (read.status_code, read.json()) == (200, body)
    assert read.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("currency", "amount", "minor", "shown"),
    [
        ("JPY", "1", 1, "1"),
        ("JPY", "007", 7, "7"),
        ("EUR", "7", 700, "7.00"),
        ("EUR", "7.5", 750, "7.50"),
        ("EUR", "0.01", 1, "0.01"),
        ("EUR", "0.10", 10, "0.10"),
        ("KWD", "1.5", 1500, "1.500"),
        ("KWD", "0.001", 1, "0.001"),
        ("KWD", "999999999999.999", 10**15 - 1, "999999999999.999"),
        ("JPY", "999999999999999", 10**15 - 1, "999999999999999"),
    ],
)
def test_amounts_are_stored_as_minor_units(api: Api, currency, amount, minor, shown) -> None:
    sent = payment(currency=currency, amount=amount)
    created = api.pay(sent)
    assert created.status_code == 201, created.text
    assert created.json()["amount"] == shown
    stored = api.database.rows(
        "SELECT currency, amount_minor FROM payments WHERE end_to_end_id = ?", sent["end_to_end_id"]
    )
    assert stored == [(currency, minor)]
    assert type(stored[0][1]) is int


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), currency=st.sampled_from(sorted(DECIMALS)))
def test_any_amount_comes_back_as_the_same_number(api: Api, data, currency) -> None:
    decimals = DECIMALS[currency]
    minor = data.draw(st.integers(1, 10**15 - 1))
    exact = Decimal(minor).scaleb(-decimals)
    created = api.pay(payment(currency=currency, amount=f"{exact:.{decimals}f}"))
    assert created.status_code == 201, created.text
    assert created.json()["amount"] == f"{exact:.{decimals}f}"


def test_every_violation_is_an_error_of_its_field(api: Api) -> None:
    refused = api.pay(
        {
            "end_to_end_id": "",
            "debtor_name": "",
            "debtor_iban": "DE89370400440532013001",
            "creditor_name": "",
            "creditor_iban": "ZZ29NWBK60161331926819",
            "creditor_bic": "nwbk",
            "currency": "XXX",
            "amount": "-1",
        }
    )
    found = problem(
        refused,
        "payment_invalid",
        *("debtor_iban", "creditor_iban", "creditor_bic", "currency", "amount", "end_to_end_id"),
    )
    assert [error["message"] for error in found["errors"]] == [
        "debtor_iban_checksum",
        "creditor_iban_country",
        "creditor_bic_structure",
        "currency_unknown",
        "amount_format",
        "end_to_end_id_format",
    ]


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"debtor_iban": "ZZ89370400440532013000"}, "debtor_iban_country"),
        ({"debtor_iban": "DE893704004405320130"}, "debtor_iban_length"),
        ({"debtor_iban": "DE8937040044053201300A"}, "debtor_iban_structure"),
        ({"debtor_iban": "DE89370400440532013001"}, "debtor_iban_checksum"),
        ({"debtor_iban": "DE89 3704 0044 0532 0130 00"}, "debtor_iban_length"),
        ({"creditor_iban": "GB29NWBK6016133192681"}, "creditor_iban_length"),
        ({"creditor_iban": "GB29NWB160161331926819"}, "creditor_iban_structure"),
        ({"creditor_iban": "GB29NWBK60161331926818"}, "creditor_iban_checksum"),
        ({"creditor_bic": "NWBKGB2L1"}, "creditor_bic_structure"),
        ({"currency": "eur"}, "currency_unknown"),
        ({"amount": "1,50"}, "amount_format"),
        ({"amount": "1.505"}, "amount_minor_units"),
        ({"amount": "0.00"}, "amount_range"),
        ({"amount": "10000000000000.00"}, "amount_range"),
        ({"currency": "JPY", "amount": "1.0"}, "amount_minor_units"),
        ({"end_to_end_id": "a" * 36}, "end_to_end_id_format"),
        ({"end_to_end_id": "é"}, "end_to_end_id_format"),
    ],
)
def test_a_payment_that_breaks_a_rule_is_refused(api: Api, fields, violation) -> None:
    (field,) = (field for field in PAYMENT_FIELDS if violation.startswith(field))
    sent = payment(creditor_name="refused " + violation) | fields
    problem(api.pay(sent), "payment_invalid", field, messages=(violation,))
    query = "SELECT count(*) FROM payments WHERE creditor_name = ?"
    assert api.database.rows(query, sent["creditor_name"]) == [(0,)]


def published_pairs() -> list[dict[str, str]]:
    """Payments to the banks that the directories of one country list with a BIC of another."""
    examples = {
        vector["input"][0]["creditor_iban"][:2]: vector["input"][0]["creditor_iban"]
        for vector in VECTORS["vectors"]
        if vector["id"].startswith("registry_")
    }
    banks = {(bank.country_code, bank.bic) for bank in get_all_banks() if bank.bic}
    return [
        payment(creditor_iban=examples[country], creditor_bic=bic)
        for country, bic in sorted(banks)
        if country in examples and bic[4:6] != country
    ]


def test_a_bic_of_another_country_is_a_warning_and_no_more(api: Api) -> None:
    pairs = published_pairs()
    assert len(pairs) > 100
    got = api.post("/v1/validations", json={"payments": pairs}).json()["results"]
    warned = 0
    for sent, found in zip(pairs, got, strict=True):
        assert (found["valid"], found["violations"]) == (True, []), sent
        assert found["warnings"] in ([], ["creditor_bic_country"])  # [] for a territory's own
        warned += found["warnings"] != []
    assert warned > 100
    for sent in [pairs[0], payment(creditor_iban=WISE_IBAN, creditor_bic="TRWIBEBB")]:
        created = api.pay(sent)
        assert created.status_code == 201, created.text
        assert created.json()["creditor_bic"] == sent["creditor_bic"]
        screened = api.post("/v1/screenings", json={"payments": [sent]})
        (result,) = screened.json()["results"]
        assert (result["violations"], result["warnings"]) == ([], ["creditor_bic_country"])


def test_a_warning_beside_a_violation_is_no_error_of_it(api: Api) -> None:
    sent = payment(creditor_bic="DEUTDEFF", amount="0")
    problem(api.pay(sent), "payment_invalid", "amount", messages=("amount_range",))


def test_two_payments_may_share_an_end_to_end_id(api: Api) -> None:
    sent = payment()
    first, second = api.pay(sent), api.pay(sent)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("field", PAYMENT_FIELDS)
def test_a_null_character_is_refused_in_every_field(api: Api, field: str) -> None:
    problem(api.pay(payment(**{field: "a\0b"})), "invalid_argument", field)


@pytest.mark.parametrize("name", ["x", "1", f"{UNKNOWN_ID}0", UNKNOWN_ID[:-1], "%00", "g" * 36])
def test_an_id_that_is_none_is_refused(api: Api, name: str) -> None:
    problem(api.get(f"/v1/payments/{name}"), "invalid_argument", "id")


@pytest.mark.parametrize(
    "name", [UNKNOWN_ID, "00000000-0000-0000-0000-000000000000", f"{UNKNOWN_ID[:-1]}F"]
)
def test_an_id_that_nothing_has_is_not_found(api: Api, name: str) -> None:
    problem(api.get(f"/v1/payments/{name}"), "not_found")


def test_an_id_in_upper_case_is_the_same_id(api: Api) -> None:
    created = api.pay(payment()).json()
    assert api.get(f"/v1/payments/{created['id'].upper()}").json() == created


# engine: go
def test_what_one_server_created_the_other_reads(pair: tuple[Api, Api]) -> None:
    for writer, reader in (pair, pair[::-1]):
        created = writer.pay(payment(currency="KWD", amount="12.345", creditor_name="Ünal\t名"))
        read = reader.get(created.headers["Location"])
        assert (read.status_code, read.json()) == (200, created.json())
        assert reader.get("/v1/payments?limit=1").json()["payments"] == [created.json()]


# engine: end
