"""The numpy engine: the contract's methods in operations on whole arrays."""

from service.domain.kernels_numpy.screen import screen
from service.domain.kernels_numpy.seal import prove, seal, verify
from service.domain.kernels_numpy.validate import validate

__all__ = ["prove", "screen", "seal", "validate", "verify"]
