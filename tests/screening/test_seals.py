"""POST /v1/seals over a real socket, on every engine."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.screening.fixtures import ENGINE_NAMES
from tests.servers import Server


def post(server: Server, records: list[bytes], prove: list[object], engine: str = "python"):
    body = {"records": [base64.b64encode(record).decode() for record in records], "prove": prove}
    return server.client.post("/v1/seals", json=body, headers={"X-Engine": engine})


def leaf(record: bytes) -> bytes:
    return hashlib.sha256(b"\0" + record).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_root_and_proofs_of_three_records(server: Server, engine: str) -> None:
    a, b, c = leaf(b"a"), leaf(b""), leaf(b"\xff")
    response = post(server, [b"a", b"", b"\xff"], [0, 2], engine)
    assert response.headers["X-Engine"] == engine
    assert response.json() == {
        "root": node(node(a, b), c).hex(),
        "size": 3,
        "proofs": {"0": [b.hex(), c.hex()], "2": [node(a, b).hex()]},
    }


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_no_records_have_the_root_that_the_standard_gives(server: Server, engine: str) -> None:
    empty = {"root": hashlib.sha256().hexdigest(), "size": 0, "proofs": {}}
    assert post(server, [], [], engine).json() == empty


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"records": ["a"]}, "records[0]: expected base64 (RFC 4648, padded), got 'a'"),
        ({"records": ["YQ==\n"]}, "records[0]: expected base64"),
        ({"records": ["YWI=="]}, "records[0]: expected base64"),
        ({"records": [7]}, "records[0]: expected base64 (RFC 4648, padded), got 7"),
        ({"records": ["YQ=="], "prove": [1]}, "prove[0]: expected 0 to 0, got 1"),
        ({"records": ["YQ=="], "prove": [-1]}, "prove[0]: expected 0 to 0, got -1"),
        ({"records": [], "prove": [0]}, "prove[0]: expected no places"),
        ({"records": ["YQ=="], "prove": [0.5]}, "prove[0]: expected an integer, got 0.5"),
        ({"records": ["YQ=="], "prove": [10**30]}, "prove[0]: expected"),
        ({"records": [""] * 10_001}, "records: expected at most 10000 items, got 10001"),
        ({"records": ["YQ=="], "prove": [0] * 1001}, "prove: expected at most 1000 items"),
    ],
)
def test_bad_input_is_a_clear_problem(server: Server, body, message) -> None:
    response = server.client.post("/v1/seals", json=body)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(message)
