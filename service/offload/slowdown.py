"""A test switch, HOTPATH_TEST_SLOWDOWN: an engine that is slower than it could be by a known
factor, to show that the lab finds such a thing out. Refused unless bench routes are on."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from service.errors import ServiceError


class Slowed:
    """A module of kernels of which each call takes `factor` times as long."""

    def __init__(self, module: Any, factor: float) -> None:
        self._module, self._factor = module, factor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        kernel = getattr(self._module, name)

        def slow_kernel(*arguments: Any) -> Any:
            started = perf_counter()
            result = kernel(*arguments)
            end = started + self._factor * (perf_counter() - started)
            while perf_counter() < end:
                pass
            return result

        return slow_kernel


def slowed(module: Any, factor: float, offload: str) -> Slowed:
    """Raises: ServiceError engine_unavailable where kernels run in another process."""
    if offload not in ("inline", "thread"):
        raise ServiceError(
            "engine_unavailable",
            f"test_slowdown: expected the offload inline or thread, got '{offload}'",
        )
    return Slowed(module, factor)
