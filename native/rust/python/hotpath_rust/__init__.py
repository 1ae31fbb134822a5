from hotpath_rust._native import (
    KernelPanic,
    __version__,
    build_info,
    prove,
    screen,
    seal,
    use_threads,
    validate,
    verify,
)

__all__ = [
    "KernelPanic",
    "__version__",
    "build_info",
    "prove",
    "screen",
    "seal",
    "use_threads",
    "validate",
    "verify",
]
