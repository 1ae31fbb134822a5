"""The OpenAPI document of any domain, and /docs, which needs no other host."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.platform.toy import ENGINES
from tests.servers import Server


@pytest.fixture
def document(server: Server) -> dict[str, Any]:
    return server.client.get("/openapi.json").json()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_domains_routes_stand_beside_the_platforms(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/v1/sums",
        "/v1/things",
        "/v1/things/{id}",
        "/v1/engines",
        "/health/live",
        "/health/ready",
    }


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    seen = 0
    for operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and operation["operationId"] != "ready":
                assert set(response["content"]) == {"application/problem+json"}
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, operation["operationId"]
                assert response["description"] != "see `openapi`"
                seen += 1
    assert seen >= 20


def test_the_engines_to_choose_from_are_those_of_the_table(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/sums"]["post"]["parameters"]
    (choice,) = [parameter for parameter in parameters if parameter["name"].lower() == "x-engine"]
    assert choice["schema"] == {"type": "string", "enum": [spec.name for spec in ENGINES]}


def test_a_creation_takes_a_key(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/things"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["Idempotency-Key"]


def test_docs_name_no_other_host(server: Server) -> None:
    page = server.client.get("/docs").text
    assert not re.findall(r"""(?:src|href|url)\s*[=:]\s*["'](?:https?:)?//""", page)
    for address in re.findall(r"""(?:src|href)=["']([^"']+)""", page):
        assert server.client.get(address).status_code == 200, address
