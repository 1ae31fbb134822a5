"""The code on docs/compiled-routes.md runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

PAGE = Path(__file__).parent.parent.parent / "docs/compiled-routes.md"


def blocks() -> list[str]:
    return re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE.read_text())


def test_the_use_in_another_service(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    exec(blocks()[0], names)  # noqa: S102  # our own page
    assert "/orders/{shop} compiled 0\n" in capsys.readouterr().out
    with TestClient(names["app"]) as client:
        assert client.post("/orders/a", json={"item": "b"}).json() == {"item": "b", "count": 1}
        assert client.post("/orders/a", json={}).status_code == 422
    (route,) = (r for r in names["compiled"].routes() if r.path == "/orders/{shop}")
    assert route.answered == 1


def test_the_route_class_that_says_what_it_adds() -> None:
    from fastapi.routing import APIRoute

    from service.compiled import Additions

    names: dict[str, Any] = {"APIRoute": APIRoute, "Additions": Additions}
    exec(blocks()[1], names)  # noqa: S102  # our own page
    assert names["Named"].compiled.headers == [(b"server", b"example")]
