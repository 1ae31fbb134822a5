"""The OpenAPI document: the committed one is the served one, and its examples are right."""

from __future__ import annotations

import json
from pathlib import Path

from tests.servers import Server, serving

COMMITTED = Path(__file__).parent.parent.parent / "docs/openapi.json"


def test_the_committed_document_is_the_served_one(service: Server) -> None:
    served = service.client.get("/openapi.json").json()
    assert json.loads(COMMITTED.read_text()) == served, "run: make docs"


def test_the_examples_are_request_and_answer_of_the_places_made_up(tmp_path: Path) -> None:
    document = json.loads(COMMITTED.read_text())
    schemas = document["components"]["schemas"]
    with serving(tmp_path / "log", engine="python") as server:
        (example,) = schemas["NearestRequest"]["examples"]
        response = server.client.post("/v1/nearest", json=example)
    fields = schemas["NearestPlace"]["properties"]
    assert response.json()["results"][0] == {
        name: field["examples"][0] for name, field in fields.items()
    }
