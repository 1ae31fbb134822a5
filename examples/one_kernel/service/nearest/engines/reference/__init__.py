"""The reference engine: pure Python, as the definition reads. The oracle of the tests."""

from service.nearest.engines.reference.nearest import nearest as nearest
