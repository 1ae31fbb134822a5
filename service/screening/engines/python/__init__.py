"""The python engine: the contract's methods in pure Python."""

from service.screening.engines.python.screen import screen
from service.screening.engines.python.seal import prove, seal
from service.screening.engines.python.validate import validate

__all__ = ["prove", "screen", "seal", "validate"]
