"""Every engine has every kernel, and protocol, modules and proto say the same."""

from __future__ import annotations

import inspect
from pathlib import Path

import mypy.api
import pytest

from service.nearest.contract.kernels import Kernels
from service.nearest.engines import ENGINES
from service.offload.spec import EngineSpec

KERNELS = [name for name in vars(Kernels) if not name.startswith("_")]


def test_the_protocol_is_not_empty() -> None:
    assert KERNELS


def test_mypy_finds_the_protocol_in_each_engine(tmp_path: Path) -> None:
    """In each that is written in Python; of the others the parameters are compared below."""
    local = [spec for spec in ENGINES if spec.module.startswith("service.") and not spec.sidecar]
    program = [
        "from service.nearest.contract.kernels import Kernels",
        *(f"import {spec.module}" for spec in local),
        *(f"{spec.name}: Kernels = {spec.module}" for spec in local),
    ]
    assert typed(tmp_path / "engines.py", program) == ("", "", 0)
    wrong = [program[0], "import json", "engine: Kernels = json"]
    assert typed(tmp_path / "wrong.py", wrong)[2] == 1  # it would have seen one


def typed(path: Path, program: list[str]) -> tuple[str, str, int]:
    path.write_text("\n".join(program), encoding="utf-8")
    return mypy.api.run(["--no-error-summary", str(path)])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("spec", ENGINES, ids=lambda spec: spec.name)
def test_an_engine_takes_the_parameters_of_the_protocol(spec: EngineSpec, kernel: str) -> None:
    function = getattr(spec.load(), kernel)
    expected = list(inspect.signature(getattr(Kernels, kernel)).parameters)[1:]
    if spec.sidecar:
        expected = ["channel", "timeout_s", *expected]
        assert inspect.iscoroutinefunction(function)
    assert list(inspect.signature(function).parameters) == expected


# engine: go
def test_the_proto_has_a_call_for_each_kernel() -> None:
    from service.gen.hotpath.v1 import kernels_pb2

    service = kernels_pb2.DESCRIPTOR.services_by_name["Kernels"]
    calls = {method.name for method in service.methods}
    assert calls == {kernel.title().replace("_", "") for kernel in KERNELS}


# engine: end
