"""POST /v1/nearest over a real socket."""

from __future__ import annotations

from typing import Any

import pytest

from service.nearest.engines import ENGINES
from tests.servers import Server

PARIS = {"lat": 48.8566, "lon": 2.3522}
# Great circles on a sphere of 6,371,008.8 m, computed with 50 digits (mpmath) by the formula with
# an arc tangent (Vincenty's for a sphere), which neither the service nor the gateway uses. With
# a radius of 6,372.8 km the last is the 2887.2599506071 km of Rosetta Code's "Haversine formula".
EXPECTED = [
    (PARIS, 0, "Berlin", 877_464.538),
    ({"lat": 35.6762, "lon": 139.6503}, 2, "Suva", 7_245_463.334),  # from Tokyo
    ({"lat": -13.8333, "lon": -171.7667}, 2, "Suva", 1_150_703.566),  # from Apia, past 180 degrees
    ({"lat": 52.52, "lon": 13.405}, 0, "Berlin", 0),
    ({"lat": 36.12, "lon": -86.67}, 3, "Los Angeles", 2_886_448.430),  # from Nashville
]


def post(server: Server, body: Any, **headers: str) -> Any:
    return server.client.post("/v1/nearest", json=body, headers=headers)


def assert_expected(document: Any) -> None:
    assert document == {
        "results": [
            {"index": index, "name": name, "distance_m": pytest.approx(distance_m, abs=0.0015)}
            for _, index, name, distance_m in EXPECTED
        ]
    }


def test_nearest_places_and_distances(server: Server) -> None:
    response = post(server, {"points": [point for point, *_ in EXPECTED]})
    assert response.status_code == 200
    assert_expected(response.json())


@pytest.mark.parametrize("engine", [spec.name for spec in ENGINES])
def test_every_engine_serves_it(service: Server, engine: str) -> None:
    points = [point for point, *_ in EXPECTED]
    response = post(service, {"points": points}, **{"X-Engine": engine})
    assert response.headers["X-Engine"] == engine
    assert_expected(response.json())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "points: required, but missing"),
        ({"points": []}, "points: expected at least 1 items, got 0"),
        ({"points": [PARIS] * 1001}, "points: expected at most 1000 items, got 1001"),
        ({"points": [{"lat": 1}]}, "points[0].lon: required, but missing"),
        ({"points": [PARIS, {"lat": 91, "lon": 0}]}, "points[1].lat: expected -90 to 90, got 91"),
        ({"points": [{"lat": 0, "lon": 181}]}, "points[0].lon: expected -180 to 180, got 181"),
        ({"points": [{"lat": "1", "lon": 0}]}, "points[0].lat: expected a number, got"),
        ({"points": [PARIS], "k": 2}, "k: expected no such field"),
    ],
)
def test_bad_input_is_a_clear_problem(server: Server, body: Any, message: str) -> None:
    response = post(server, body)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(message)
