"""The OpenAPI document: the committed one is the served one, and its examples are accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.servers import Server

COMMITTED = Path(__file__).parent.parent.parent / "docs/openapi.json"


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_committed_document_is_the_served_one(server: Server) -> None:
    served = server.client.get("/openapi.json").json()
    assert json.loads(COMMITTED.read_text()) == served, "run: make docs"


def test_operation_ids_are_set_by_hand_and_differ(server: Server) -> None:
    ids = [o["operationId"] for o in operations(server.client.get("/openapi.json").json())]
    assert len(set(ids)) == len(ids)
    # FastAPI's own end with the method and carry the path.
    assert not [one for one in ids if "_v1_" in one or one.endswith(("_get", "_post"))]


def test_every_error_is_a_problem(server: Server) -> None:
    for operation in operations(server.client.get("/openapi.json").json()):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and operation["operationId"] != "ready":
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, operation["operationId"]


def test_the_examples_of_requests_are_accepted(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    seen = 0
    for path, operation in ((p, o) for p, item in document["paths"].items() for o in item.values()):
        if body := operation.get("requestBody"):
            reference = body["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
            for example in schemas[reference]["examples"]:
                response = server.client.post(path, json=example)
                assert response.status_code in (200, 201), response.text
                seen += 1
    assert seen >= 5
