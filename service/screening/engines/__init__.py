"""The table of engines: a row for each, and no other list of them."""

from __future__ import annotations

from service.offload.spec import EngineSpec

ENGINES = (
    EngineSpec(
        "reference",
        "service.screening.engines.reference",
        ("inline", "thread", "process"),
        "hotpath",
        "pure Python, as the definition reads",
        is_oracle=True,
        quick=("inline",),
    ),
    EngineSpec(
        "python",
        "service.screening.engines.python",
        ("inline", "thread", "process"),
        "hotpath",
        "pure Python, with the better method",
        quick=("inline", "process"),
    ),
    # engine: numpy
    EngineSpec(
        "numpy",
        "service.screening.engines.numpy",
        ("thread", "inline", "process"),
        "hotpath",
        "operations on whole arrays",
    ),
    # engine: end
    # engine: cython
    EngineSpec(
        "cython",
        "hotpath_cython",
        ("auto", "thread", "inline", "process"),
        "hotpath-cython",
        "typed loops in Python's syntax, without the GIL",
        releases_gil=True,
        quick=("auto",),
    ),
    # engine: end
    # engine: rust
    EngineSpec(
        "rust",
        "hotpath_rust",
        ("auto", "thread", "inline", "process"),
        "hotpath-rust",
        "a PyO3 extension, without the GIL",
        releases_gil=True,
        quick=("auto", "inline"),
    ),
    # engine: end
    # engine: go
    EngineSpec(
        "go",
        "service.screening.engines.go",
        ("rpc",),
        "hotpath-go",
        "a sidecar process, over gRPC",
        sidecar="hotpath_go:sidecar_path",
        quick=("rpc",),
    ),
    # engine: end
)
