"""The numpy engine: the contract's methods in operations on whole arrays.

What they cannot do better is the python engine's. `seal` and `prove` are, because NumPy cannot
hash: SHA-256 in its operations, 4096 nodes at a time, takes four times as long as hashlib takes,
and a level laid out in one buffer for hashlib costs more than the small copies that it saves.
"""

from service.screening.engines.python import *  # noqa: F403  # what is not below

# isort: split
from service.screening.engines.numpy.screen import screen as screen
from service.screening.engines.numpy.validate import validate as validate
