"""The go engine, client side: each kernel is a call to the sidecar.

A kernel takes the channel and the seconds that are left, then what the contract says, and returns
its result with the seconds that it took inside the sidecar.
"""

from service.nearest.engines.go.nearest import nearest as nearest
