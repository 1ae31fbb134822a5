"""The lab's scenario: its formula and the servers agree, and its check sees what is wrong."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from service.nearest.scenarios.nearest import PATH, bodies, fault
from tests.servers import COMMANDS, serving


@pytest.mark.parametrize(
    "command",
    [
        "service",
        # engine: go
        "gateway",
        # engine: end
    ],
)
def test_the_formula_and_the_servers_agree(tmp_path: Path, command: str) -> None:
    with serving(tmp_path / "log", command=COMMANDS[command]) as server:
        for body, expected in bodies(Random(1), 40, 5):
            response = server.client.post(PATH, json=body)
            assert response.status_code == 200
            assert fault(expected, response.json()) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"index": 3}, "results[0]: expected place 2 at 1.5 m, got (3, 1.5)"),
        ({"distance_m": 1.503}, "results[0]: expected place 2 at 1.5 m, got (2, 1.503)"),
    ],
)
def test_a_wrong_answer_is_named(wrong: dict[str, float], message: str) -> None:
    right = {"index": 2, "name": "x", "distance_m": 1.501}
    assert fault([(2, 1.5)], {"results": [right]}) is None
    assert fault([(2, 1.5)], {"results": [right | {"distance_m": 1.5} | wrong]}) == message
    assert fault([(2, 1.5)], {"results": []}) == "results: expected 1, got 0"
