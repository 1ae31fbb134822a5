"""The numpy engine: the contract's methods in operations on whole arrays.

`seal` and `prove` are those of the python engine, because NumPy cannot hash: SHA-256
in its operations, 4096 nodes at a time, takes four times as long as hashlib takes, and a level
laid out in one buffer for hashlib costs more than the small copies that it saves.
"""

from service.screening.engines.numpy.screen import screen
from service.screening.engines.numpy.validate import validate
from service.screening.engines.python import prove, seal

__all__ = ["prove", "screen", "seal", "validate"]
