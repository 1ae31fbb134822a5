"""The python engine: the contract's methods in pure Python."""

from service.screening.engines.python.screen import screen as screen
from service.screening.engines.python.seal import prove as prove
from service.screening.engines.python.seal import seal as seal
from service.screening.engines.python.validate import validate as validate
