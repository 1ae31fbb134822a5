from service.domain.kernels import CodePoints, Hits, NameIndex

__version__: str

build_profile: str
"""`release`, or `debug` where the bounds checks are compiled in."""

def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    """The best matches of each query by Jaro-Winkler similarity, as `Kernels.screen` of
    `service.domain.kernels` defines it.

    The arrays are read in place, without a copy and without the GIL: no thread may write
    to them during the call. The result is new.

    Raises: TypeError or ValueError that names the argument where an array or a number is
    not what the contract says; MemoryError.
    """

__all__ = ["__version__", "build_profile", "screen"]
