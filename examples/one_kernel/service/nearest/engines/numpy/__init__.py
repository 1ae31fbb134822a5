"""The numpy engine: the contract's methods in operations on whole arrays.

A kernel that has no file here is the python engine's.
"""

from service.nearest.engines.python import *  # noqa: F403  # what is not below

# isort: split
from service.nearest.engines.numpy.nearest import nearest as nearest
