"""Every engine has every kernel, and protocol, modules and proto say the same."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from service.gen.hotpath.v1 import kernels_pb2
from service.offload.spec import EngineSpec
from service.screening.contract.kernels import Kernels
from service.screening.engines import ENGINES

if TYPE_CHECKING:  # mypy compares the signatures of modules and stubs with the protocol
    import hotpath_cython
    import hotpath_rust

    LOCAL_ENGINES: tuple[Kernels, ...] = (
        reference,
        python,
        numpy,
        hotpath_cython,
        hotpath_rust,
    )

KERNELS = [name for name in vars(Kernels) if not name.startswith("_")]


def test_the_protocol_is_not_empty() -> None:
    assert KERNELS == ["screen", "validate", "seal", "prove"]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("spec", ENGINES, ids=lambda spec: spec.name)
def test_an_engine_takes_the_parameters_of_the_protocol(spec: EngineSpec, kernel: str) -> None:
    function = getattr(spec.load(), kernel)
    expected = list(inspect.signature(getattr(Kernels, kernel)).parameters)[1:]
    if spec.sidecar:
        expected = ["channel", "timeout_s", *expected]
        assert inspect.iscoroutinefunction(function)
    assert list(inspect.signature(function).parameters) == expected


def test_the_proto_has_a_call_for_each_kernel() -> None:
    service = kernels_pb2.DESCRIPTOR.services_by_name["Kernels"]
    calls = {method.name for method in service.methods}
    assert calls == {kernel.capitalize() for kernel in KERNELS} | {"LoadIndex"}
