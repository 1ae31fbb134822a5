"""The python engine: the contract's methods in pure Python."""

from service.nearest.engines.python.nearest import nearest as nearest
