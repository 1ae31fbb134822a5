"""The python engine: the contract's methods in pure Python."""

from service.domain.kernels_python.screen import screen
from service.domain.kernels_python.seal import prove, seal, verify
from service.domain.kernels_python.validate import validate

__all__ = ["prove", "screen", "seal", "validate", "verify"]
