"""What the lab measures, a file for each scenario: requests, and what must come back."""

from __future__ import annotations

from loadtests.found import found_in
from loadtests.lab.scenario import Lab, Scenario

LAB = Lab(scenarios=found_in(__name__, Scenario))
