"""The reference engine: pure Python, as the definition reads. The oracle of the tests."""

from service.screening.engines.reference.screen import screen as screen
from service.screening.engines.reference.seal import prove as prove
from service.screening.engines.reference.seal import seal as seal
from service.screening.engines.reference.validate import validate as validate
