"""The go engine, client side: each kernel is a call to the sidecar.

A kernel takes the channel and the seconds that are left, then what the contract says, and returns
its result with the seconds that it took inside the sidecar.
"""

from service.screening.engines.go.screen import screen as screen
from service.screening.engines.go.seal import prove as prove
from service.screening.engines.go.seal import seal as seal
from service.screening.engines.go.validate import validate as validate
